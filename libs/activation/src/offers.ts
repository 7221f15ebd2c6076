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
import { bytesOf, isStale } from './consent.ts';
import type { EvaluationResult, NodeState, Progress, Question } from './model.ts';
import { isOpen, questionOf } from './question.ts';
import { stepOf } from './report.ts';
import { FRESH_WORK } from './turn.ts';

/** What waits at this site, for `openward node offers` and the local page. It is shown here before anything of it leaves (N2). */
export interface Offer {
  readonly service: Name;
  readonly assignment: AssignmentId;
  readonly release: Digest;
  readonly number: number;
  readonly change: ChangeClass;
  /** What serves is not what `change` was checked from: no standing rule that names classes holds for it. */
  readonly changeIsStale: boolean;
  readonly model: string;
  readonly variant: Version;
  /** Of all files that the assignment would fetch; what is on the disk already is not taken off. */
  readonly bytes: number;
  readonly suite: { readonly digest: Digest; readonly readsSiteData: boolean; readonly accepted: boolean };
  readonly step: NodeStep;
  /** What a person here can answer now, put off or out of hours too; null while it waits for something else. */
  readonly question: Question | null;
  readonly waitsFor: WaitCode | null;
  /** Milliseconds since 1970; from the agent's start on at the earliest. */
  readonly waitsSince: number | null;
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
      if (attempt === null || !isOpen(attempt)) return [];
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
        changeIsStale: isStale(progress, record.active),
        model: `${release.model} ${release.modelVersion}`,
        variant: variant.name,
        bytes: bytesOf(assignment),
        suite: { digest: suite.digest, readsSiteData: suite.readsSiteData, accepted },
        step: stepOf(attempt, record, now),
        question: questionOf(attempt, now),
        waitsFor: now.waits,
        waitsSince: now.waitsSince,
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
