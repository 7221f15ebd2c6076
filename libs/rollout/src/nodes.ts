import { assignmentId, canonicalJson, type NodeStanding, type NodeStep, type ReasonCode } from '@openward/contracts';
import type { NodeInput } from './events.ts';
import { fileOfVariant, type Judged, type NodeState, type RolloutState, type Said } from './state.ts';

// What one node's reports mean to a rollout. The node judges its own soak and gates; here its words are only fenced and counted.

const ENDS: ReadonlySet<NodeStep> = new Set(['failed', 'rejected', 'superseded', 'rolledBack']);
const SERVES: ReadonlySet<NodeStep> = new Set(['activating', 'probing', 'active', 'committed']);

/** Ends that the network asked for: no fault of the release. */
const ASKED_FOR: ReadonlySet<ReasonCode> = new Set([
  'withdrawn',
  'rolledBackByNetwork',
  'recalled',
  'supersededByNewer',
]);

export const hasEnded = (node: NodeState): boolean => node.said !== null && ENDS.has(node.said.step);
export const isActive = (node: NodeState): boolean => node.said?.step === 'active' || node.said?.step === 'committed';
export const isReached = (node: NodeState): boolean => node.said !== null;
export const hasFailedEvidence = (judged: Judged | null): boolean =>
  judged !== null && (judged.bundled.verdict === 'fail' || judged.own?.verdict === 'fail');

/**
 * It serves the release, may be about to under a permit, or could not go back from it. A node that was granted a permit and
 * has been silent since counts: it may have switched a moment before it was cut off.
 */
export const tookRelease = (node: NodeState): boolean =>
  node.said?.outcome === 'unableToRollBack' ||
  (!hasEnded(node) && (node.permit !== null || (node.said !== null && SERVES.has(node.said.step))));

/** Told to go back, and has not said that it did. */
export const owesRollBack = (node: NodeState): boolean =>
  node.phase === 'rollBack' && node.takenBy === null && !hasEnded(node);

/** R6: a site's pin holds the way back, except from a recalled release. */
export const isHeldByPin = (node: NodeState, recalled: boolean): boolean =>
  owesRollBack(node) && node.pinned && !recalled;

/** R3. Good needs our permit besides: a node that serves without one is not counted for the release. */
export function standingOf(node: NodeState, restartsAllowed: number): NodeStanding {
  const { said } = node;
  if (node.hasFailed) return 'failed';
  if (said?.step === 'rejected') return 'declined';
  if (said?.step === 'failed' || said?.step === 'rolledBack') {
    return said.reason !== null && ASKED_FOR.has(said.reason) && said.outcome !== 'unableToRollBack'
      ? 'unknown'
      : 'failed';
  }
  if (hasFailedEvidence(node.judged)) return 'failed';
  if (said === null) return 'unknown';
  if (said.soak === 'over') return 'failed';
  if (said.soak === 'running' && said.restarts > restartsAllowed) return 'failed';
  const isSoaked = said.soak === 'ok' || said.soak === 'tooFewRequests';
  return isActive(node) && isSoaked && node.permit !== null ? 'good' : 'unknown';
}

/**
 * The node after its newest report and evidence. The same object comes back where nothing new was said. Sequences run on
 * across boots (D4), so the sequence alone orders reports; a copy, an older one or another attempt's changes nothing (R2).
 */
export function observe(rollout: RolloutState, node: NodeState, input: NodeInput): NodeState {
  if (node.takenBy !== null) return node;
  const next = hear(rollout, node, input);
  return markFailed(rollout, markSpent(next));
}

const markSpent = (node: NodeState): NodeState =>
  node.permit === null || node.permit.isSpent || !isActive(node)
    ? node
    : { ...node, permit: { ...node.permit, isSpent: true } };

function markFailed(rollout: RolloutState, next: NodeState): NodeState {
  if (next.hasFailed || standingOf(next, rollout.plan.settings.soak.restarts) !== 'failed') return next;
  return { ...next, hasFailed: true };
}

function hear(rollout: RolloutState, node: NodeState, input: NodeInput): NodeState {
  const heard = input.evidence === null ? node : applyEvidence(rollout, node, input.evidence);
  if (heard.seen !== null && input.seq <= heard.seen.seq) return heard;
  const after = { ...takeService(rollout, heard, input), seen: { boot: input.boot, seq: input.seq, at: input.at } };
  const isFirst = heard.seen === null || (heard.seen.at <= heard.phaseSince && input.at > heard.phaseSince);
  return !isFirst && saysTheSame(heard, after) ? heard : after;
}

/**
 * All but `seen` is as it was. Such a report is not kept, but for the first since the node was told something, by which it is known to
 * be in reach: a whole rollout would be written for it. The fence holds without it,
 * since inputs are the newest of each node (`ports.ts`), so that none comes after one that is newer.
 */
const saysTheSame = (node: NodeState, after: NodeState): boolean =>
  node.pinned === after.pinned &&
  node.halted === after.halted &&
  node.saidSince === after.saidSince &&
  node.owedSince === after.owedSince &&
  canonicalJson([node.said]) === canonicalJson([after.said]);

function takeService(rollout: RolloutState, node: NodeState, input: NodeInput): NodeState {
  if (input.service === null) return node;
  const after = { ...node, pinned: input.service.pinned, halted: input.service.serving === 'halted' };
  const said = fencedStatus(rollout, node, input.service.assignment);
  if (said === null) return after;
  const isSameWait = node.said?.step === said.step && node.said.waitsFor === said.waitsFor;
  const next = { ...after, said, saidSince: isSameWait ? node.saidSince : input.at };
  return hasEnded(next) ? { ...next, owedSince: null } : next;
}

type Status = NonNullable<NonNullable<NodeInput['service']>['assignment']>;

function fencedStatus(rollout: RolloutState, node: NodeState, status: Status | undefined): Said | null {
  // Nothing can be said of what was never offered.
  if (status === undefined || node.phase === null) return null;
  if (status.assignment !== assignmentId(rollout.id, node.node, node.attempt)) return null;
  if (status.planHash !== rollout.plan.hash) return null;
  // An attempt that has ended stays ended (N3); only how it ended may still change.
  if (hasEnded(node) && !ENDS.has(status.step)) return null;
  return {
    step: status.step,
    restarts: status.restarts,
    outcome: status.outcome ?? null,
    reason: status.reason ?? null,
    ...(status.failure === undefined ? {} : { failure: status.failure }),
    waitsFor: status.waitsFor ?? null,
    gate: status.gate ?? null,
    soak: status.soak ?? null,
    progress: status.progress ?? null,
  };
}

function applyEvidence(
  rollout: RolloutState,
  node: NodeState,
  evidence: NonNullable<NodeInput['evidence']>,
): NodeState {
  const planned = rollout.plan.waves[node.wave]?.nodes.find((it) => it.node === node.node);
  const isFenced =
    planned !== undefined &&
    node.phase !== null &&
    evidence.assignment === assignmentId(rollout.id, node.node, node.attempt) &&
    evidence.planHash === rollout.plan.hash &&
    evidence.release === rollout.plan.release.digest &&
    evidence.variantFile === fileOfVariant(rollout.offer, planned.variant) &&
    evidence.suite === rollout.plan.suite;
  if (!isFenced || hasFailedEvidence(node.judged)) return node;
  const { bundled, own } = evidence;
  const judged: Judged = {
    bundled: { verdict: bundled.verdict, reason: bundled.reason },
    own: own === null ? null : { verdict: own.verdict, reason: own.reason },
  };
  return sameJudged(node.judged, judged) ? node : { ...node, judged };
}

const sameJudged = (a: Judged | null, b: Judged): boolean =>
  a !== null && a.bundled.reason === b.bundled.reason && a.own?.reason === b.own?.reason;
