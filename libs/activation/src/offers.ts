import type {
  AssignmentId,
  ChangeClass,
  Digest,
  Name,
  NodeStep,
  Verdict,
  VerdictReason,
  Version,
  WaitCode,
} from '@openward/contracts';
import { bytesOf } from './consent.ts';
import type { Attempt, EvaluationResult, NodeState, Progress } from './model.ts';
import { stepOf } from './report.ts';
import { FRESH_WORK } from './turn.ts';

/** What waits at this site, for `openward node offers` and the local page. It is shown here before anything of it leaves (N2). */
export interface Offer {
  readonly service: Name;
  readonly assignment: AssignmentId;
  readonly release: Digest;
  readonly number: number;
  readonly change: ChangeClass;
  readonly model: string;
  readonly variant: Version;
  /** Of all files that the assignment would fetch; what is on the disk already is not taken off. */
  readonly bytes: number;
  readonly suite: { readonly digest: Digest; readonly readsSiteData: boolean; readonly accepted: boolean };
  readonly step: NodeStep;
  /** What a person here can answer now; null while it waits for something else. */
  readonly question: 'prepare' | 'acceptSuite' | 'activate' | 'waive' | 'release' | null;
  readonly waitsFor: WaitCode | null;
  readonly deferredUntil: number | null;
  readonly gate: { readonly verdict: Verdict; readonly reason: VerdictReason; readonly hasLeft: boolean } | null;
  readonly result: EvaluationResult | null;
}

/** Every attempt on which nothing has been switched yet. */
export function offersOf({ durable, work }: NodeState): readonly Offer[] {
  return Object.keys(durable.services)
    .sort()
    .flatMap((service) => {
      const record = durable.services[service]!;
      const { attempt } = record;
      const at = attempt?.progress.at;
      if (attempt === null || (at !== 'offered' && at !== 'staged' && at !== 'evaluated')) return [];
      const { assignment, consent, progress } = attempt;
      const { release, suite, variant } = assignment;
      const now = work[service] ?? FRESH_WORK;
      const accepted = durable.suites[suite.digest] !== undefined;
      return {
        service,
        assignment: assignment.id,
        release: release.digest,
        number: release.number,
        change: release.change,
        model: `${release.model} ${release.modelVersion}`,
        variant: variant.name,
        bytes: bytesOf(assignment),
        suite: { digest: suite.digest, readsSiteData: suite.readsSiteData, accepted },
        step: stepOf(attempt, record, now),
        question: questionOf(attempt, now.waits),
        waitsFor: now.waits,
        deferredUntil: consent.deferUntil,
        gate: gateOf(progress),
        result: progress.at === 'evaluated' ? progress.result : null,
      };
    });
}

function gateOf(progress: Progress): Offer['gate'] {
  if (progress.at !== 'evaluated') return null;
  const { verdict, reason } = progress.result;
  return { verdict, reason, hasLeft: progress.disclosed };
}

function questionOf({ progress }: Attempt, waits: WaitCode | null): Offer['question'] {
  if (waits === 'consentToPrepare') return 'prepare';
  if (waits === 'suiteNotAccepted') return 'acceptSuite';
  if (progress.at !== 'evaluated') return null;
  if (progress.result.verdict === 'inconclusive') {
    return waits === 'gateInconclusive' || waits === 'consentToActivate' || waits === 'resultHeld' ? 'waive' : null;
  }
  if (waits === 'consentToActivate') return 'activate';
  return waits === 'resultHeld' ? (progress.result.verdict === 'fail' ? 'release' : 'activate') : null;
}
