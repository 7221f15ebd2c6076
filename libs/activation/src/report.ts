import type { AssignmentStatus, EvidenceBody, Name, NodeStep, ServiceState } from '@openward/contracts';
import type { Effect } from './events.ts';
import { isSame, type Attempt, type EvaluationResult, type NodeState, type ServiceRecord, type Work } from './model.ts';
import type { StatePart } from './ports.ts';
import { FRESH_WORK } from './turn.ts';

// What the network may see of a node: derived, never kept. A field that is not in P6's closed list has no way in.

export function reportOf({ durable, work }: NodeState): StatePart {
  const names = Object.keys(durable.services).sort();
  return {
    generation: durable.generation,
    services: names.map((name) => serviceState(name, durable.services[name]!, work[name] ?? FRESH_WORK)),
    suites: Object.keys(durable.suites)
      .sort()
      .map((suite) => ({ suite, tooFewItems: durable.suites[suite]!.tooFewItems })),
  };
}

function serviceState(service: Name, record: ServiceRecord, work: Work): ServiceState {
  const { attempt } = record;
  return {
    service,
    active: activeOf(record, work),
    lastGood: record.lastGood?.release ?? null,
    anchor: record.anchor?.release ?? null,
    serving: servingOf(record, work),
    pinned: record.pinned,
    ...(attempt === null ? {} : { assignment: statusOf(attempt, record, work) }),
  };
}

/** A switch is told when the gateway has made it, not when the journal has. */
function activeOf({ active, attempt }: ServiceRecord, { served }: Work): string | null {
  const progress = attempt?.progress;
  const isUnproven = progress?.at === 'activated' && !progress.watch.probed && !isSame(served, progress.candidate);
  return (isUnproven ? progress.before?.release : active?.release) ?? null;
}

function servingOf({ active, halted }: ServiceRecord, { served, probe, loaded }: Work): ServiceState['serving'] {
  if (halted) return 'halted';
  if (served === null || served === undefined) return 'notServing';
  if (isSame(served, active) && !loaded.includes(served.key)) return 'degraded';
  const isFailing = probe.state === 'resting' || (probe.state === 'running' && probe.tries > 0);
  return isFailing ? 'degraded' : 'serving';
}

function statusOf(attempt: Attempt, record: ServiceRecord, work: Work): AssignmentStatus {
  const { assignment, progress } = attempt;
  const end = progress.at === 'ended' ? progress.end : null;
  const gate = gateOf(attempt);
  const seen = 'watch' in progress ? progress.watch : null;
  const { waits, job } = work;
  return {
    assignment: assignment.id,
    planHash: assignment.planHash,
    step: stepOf(attempt, record, work),
    ...(end?.outcome === undefined ? {} : { outcome: end.outcome }),
    ...(end === null ? reasonOnTheWay(attempt) : { reason: end.reason }),
    ...(end?.failure === undefined ? {} : { failure: end.failure }),
    ...(end?.reference === undefined ? {} : { reference: end.reference }),
    ...(waits === null || end !== null ? {} : { waitsFor: waits }),
    ...(job.doing === 'evaluating' ? { progress: job.quarters } : {}),
    ...(gate === null ? {} : { gate }),
    ...(seen?.probed === true ? { soak: seen.soak } : {}),
    restarts: Math.min(9, progress.at === 'ended' ? progress.restarts : (seen?.restarts ?? 0)),
  };
}

const reasonOnTheWay = ({ progress }: Attempt): Pick<AssignmentStatus, 'reason'> =>
  progress.at === 'goingBack' ? { reason: progress.end.reason } : {};

/** Nothing of a result is told before it may leave (N2). */
function gateOf({ consent, progress }: Attempt): AssignmentStatus['gate'] | null {
  const result = leftResultOf(progress);
  if (result === null) return null;
  return { verdict: result.verdict, reason: result.reason, waivedBySite: consent.waiver !== null };
}

function leftResultOf(progress: Attempt['progress']): EvaluationResult | null {
  if (progress.at === 'offered' || progress.at === 'staged') return null;
  return progress.at === 'evaluated' && !progress.disclosed ? null : progress.result;
}

/** N1's step, from what is known durably and what is being done. */
export function stepOf(attempt: Attempt, record: ServiceRecord, work: Work): NodeStep {
  const { progress } = attempt;
  switch (progress.at) {
    case 'offered':
      return offeredStep(work);
    case 'staged':
      if (progress.candidate.chain === null) return 'verifying';
      return work.job.doing === 'evaluating' ? 'evaluating' : 'staged';
    case 'evaluated':
      return isBeforeConsent(work) ? 'awaitingConsent' : 'awaitingPermit';
    case 'activated':
      if (progress.watch.probed) return 'active';
      return isSame(work.served, progress.candidate) ? 'probing' : 'activating';
    case 'committed':
      return 'committed';
    case 'goingBack':
      // A switch like any other; a failure is told at once, and its outcome when it is known.
      return progress.end.step === 'failed' ? 'failed' : 'activating';
    case 'ended':
      return progress.end.step;
  }
}

/** Offered and put off; offered, and a person or an hour is waited for; under way. */
function offeredStep({ job, waits }: Work): NodeStep {
  if (job.doing === 'verifying') return 'verifying';
  if (job.doing === 'fetching' || job.doing === 'resting') return 'fetching';
  return waits === 'deferred' ? 'offered' : 'awaitingPreparation';
}

const isBeforeConsent = ({ waits }: Work): boolean =>
  waits === 'consentToActivate' || waits === 'resultHeld' || waits === 'gateInconclusive' || waits === 'deferred';

/** Fenced by plan, assignment and the digests of what was measured (R2). */
export function evidenceBody({
  assignment,
  candidate,
  result,
}: Extract<Effect, { readonly kind: 'discloseEvidence' }>): EvidenceBody {
  return {
    type: 'evidence',
    assignment: assignment.id,
    planHash: assignment.planHash,
    release: candidate.release,
    variantFile: candidate.artifact.file,
    suite: assignment.suite.digest,
    runtimeVersion: result.runtimeVersion,
    bundled: result.bundled,
    own: result.own,
  };
}
