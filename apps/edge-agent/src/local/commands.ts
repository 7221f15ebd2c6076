import { randomBytes } from 'node:crypto';
import type { Command, CommandAnswer, CommandRefusal } from '@openward/activation';
import {
  AssignmentId,
  Digest,
  digestOfBytes,
  Name,
  Refusal,
  WindowRule,
  ChangeClass,
  type ErrorCode,
} from '@openward/contracts';
import { z } from 'zod';

// What hospital IT may say over the local socket, and how the machine's answer becomes an error that says what to do.

const Rule = z.strictObject({
  services: z.array(Name).min(1).optional(),
  changes: z.array(ChangeClass).min(1).optional(),
  maxBytes: z.int().min(1).optional(),
  hours: z.array(WindowRule).min(1).optional(),
});
export const Rules = z.strictObject({ prepare: z.array(Rule), activate: z.array(Rule) });

const Reason = z.string().min(1).max(500);
export const LocalCommand = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('accept'),
    service: Name,
    assignment: AssignmentId,
    question: z.enum(['prepare', 'activate', 'waive', 'release']),
    holdResult: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('acceptInconclusive'), service: Name, assignment: AssignmentId, reason: Reason }),
  z.strictObject({ kind: z.literal('defer'), service: Name, assignment: AssignmentId.optional(), until: z.int() }),
  z.strictObject({ kind: z.literal('reject'), service: Name, assignment: AssignmentId.optional(), reason: Reason }),
  z.strictObject({ kind: z.enum(['halt', 'resume', 'pin', 'unpin']), service: Name }),
  z.strictObject({ kind: z.literal('rollback'), service: Name, to: z.int().min(1).optional() }),
  z.strictObject({ kind: z.literal('acceptSuite'), suite: Digest }),
  z.strictObject({ kind: z.literal('setRules'), rules: Rules }),
]);
/** P8: said to the ledger, not to the reconciler. */
export const LedgerCommand = z.strictObject({ kind: z.literal('acknowledgeLedger'), reason: Reason });
export const AnyCommand = z.union([LocalCommand, LedgerCommand]);
export type AnyCommand = z.infer<typeof AnyCommand>;
export type LocalCommand = z.infer<typeof LocalCommand>;

/** Undefined members are left out, so that an exact optional stays absent. */
const exact = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export function asCommand(command: LocalCommand, tooFewItems: (suite: string) => boolean): Command {
  if (command.kind === 'acceptSuite') return { ...command, tooFewItems: tooFewItems(command.suite) };
  return exact(command) as Command;
}

const WHY: Readonly<Record<CommandRefusal, { readonly code: ErrorCode; readonly message: string }>> = {
  unknownService: { code: 'notFound', message: 'This node knows no such service.' },
  nothingWaits: { code: 'notWaiting', message: 'Nothing of this service waits for that answer.' },
  otherAssignment: { code: 'notWaiting', message: 'Another release waits now than the one that was read.' },
  otherQuestion: { code: 'notWaiting', message: 'Something else is asked of this release now than what was read.' },
  notInconclusive: { code: 'waiverRefused', message: 'The gate is not inconclusive; a failed one cannot be waived.' },
  waiverReasonMissing: { code: 'badRequest', message: 'A waiver needs a reason.' },
  reasonMissing: { code: 'badRequest', message: 'A rejection needs a reason; it stays at this site.' },
  alreadyActive: { code: 'conflict', message: 'The release serves already; use rollback or halt.' },
  nothingToGoBackTo: { code: 'conflict', message: 'There is no earlier release on this disk to go back to.' },
  otherWayBack: { code: 'conflict', message: 'That is not the release that it would go back to.' },
  anchorNotNamed: { code: 'anchorNotNamed', message: 'No plan named the only earlier release that is here.' },
  nothingToPin: { code: 'conflict', message: 'Nothing serves that could be pinned.' },
  notReady: { code: 'busy', message: 'The agent is starting or stopping.' },
};

/** What a refusal names where it can: what the service has now, and what a step back would go to. */
export interface Stands {
  readonly service: string;
  readonly serves: { readonly number: number } | null;
  readonly wayBack: number | null;
}

export function settle(answer: CommandAnswer, stands: Stands | null = null): void {
  if (answer.done) return;
  const { code, message } = WHY[answer.why];
  throw new Refusal(code, [message, ...(stands === null ? [] : namedFor(answer.why, stands))].join(' '));
}

function namedFor(why: CommandRefusal, { service, serves, wayBack }: Stands): readonly string[] {
  const stays = serves === null ? 'Nothing serves.' : `Release ${serves.number} is what it serves.`;
  if (why === 'nothingToGoBackTo') return [stays];
  if (why === 'otherWayBack') return [stays, ...(wayBack === null ? [] : [`It would go back to release ${wayBack}.`])];
  if (why !== 'anchorNotNamed') return [];
  return [
    `It is release ${wayBack}, the anchor: the first that this site ever committed, which may be old.`,
    stays,
    `To go there: openward node rollback ${service} --release ${wayBack}`,
  ];
}

/** Shown once; only its digest is stored. */
export function makeApiKey(): { readonly id: string; readonly key: string; readonly digest: string } {
  const key = `owk-${randomBytes(24).toString('base64url')}`;
  return { id: `k-${randomBytes(4).toString('hex')}`, key, digest: digestOfBytes(key).slice('sha256:'.length) };
}
