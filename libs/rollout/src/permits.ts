import { assignmentId, type PermitRefusal } from '@openward/contracts';
import { inWords } from './in-words.ts';
import { hasEnded, hasFailedEvidence, isActive } from './nodes.ts';
import { judgePolicyTime } from './policy-time.ts';
import type { NodeState, RolloutState } from './state.ts';
import { isToleranceExceeded, nodesOf, nodesOfWave } from './wave-gate.ts';

// R4: serving needs no network, activating does.

/** Until its node reports `active` or an end, or its wave's deadline passes. A late node's wave is as long, from its permit. */
export function isOutstanding(rollout: RolloutState, node: NodeState, now: number): boolean {
  if (node.permit === null || node.permit.isSpent || node.takenBy !== null || hasEnded(node)) return false;
  if (node.late) return now < node.permit.at + rollout.plan.settings.waveDeadlineMs;
  const wave = rollout.waves[node.wave];
  return wave !== undefined && wave.kind !== 'notStarted' && now < wave.deadline;
}

export const outstandingPermits = (rollout: RolloutState, now: number): readonly NodeState[] =>
  nodesOf(rollout).filter((node) => isOutstanding(rollout, node, now));

/** A tenth of the open wave, at least 1, where the plan does not say; a late node is a wave of one. */
export function maxConcurrentOf(rollout: RolloutState): number {
  const { maxConcurrent } = rollout.plan.settings;
  if (maxConcurrent !== undefined) return maxConcurrent;
  if (rollout.life.kind === 'completed') return 1;
  return Math.max(1, Math.floor(nodesOfWave(rollout, rollout.wave).length / 10));
}

export interface PermitAsk {
  readonly assignment: string;
  readonly planHash: string;
  readonly release: string;
}

export interface Denial {
  readonly code: PermitRefusal;
  readonly why: string;
}

const deny = (code: PermitRefusal, why: string): Denial => ({ code, why });

/** Why the node may not activate now, or null. The order is from what ends the matter to what time will clear. */
export function judgePermit(
  rollout: RolloutState,
  node: NodeState | undefined,
  ask: PermitAsk,
  now: number,
): Denial | null {
  if (node === undefined || node.takenBy !== null)
    return deny('unknownAssignment', 'this rollout no longer has the node');
  if (ask.assignment !== assignmentId(rollout.id, node.node, node.attempt)) {
    return deny('unknownAssignment', `the node is at attempt ${node.attempt}`);
  }
  if (ask.planHash !== rollout.plan.hash) return deny('planChanged', 'the plan has another hash');
  if (ask.release !== rollout.plan.release.digest) return deny('planChanged', 'the plan has another release');
  return (
    judgeStage(rollout, node, now) ??
    judgeEvidence(rollout, node) ??
    judgePolicy(rollout, now) ??
    judgeRoom(rollout, node, now)
  );
}

/** What `judgePermit` would say to the node's own assignment; the view shows it as the reason of the wait. */
export const whyNoPermit = (rollout: RolloutState, node: NodeState, now: number): Denial | null =>
  judgePermit(
    rollout,
    node,
    {
      assignment: assignmentId(rollout.id, node.node, node.attempt),
      planHash: rollout.plan.hash,
      release: rollout.plan.release.digest,
    },
    now,
  );

function judgeStage(rollout: RolloutState, node: NodeState, now: number): Denial | null {
  if (rollout.recalled) return deny('recalled', 'the release is recalled');
  const isLive = rollout.life.kind === 'running' || (rollout.life.kind === 'completed' && node.late);
  if (!isLive) return deny('rolloutEnded', `the rollout is ${inWords(rollout.life.kind)}`);
  if (hasEnded(node)) return deny('notProceeding', 'this attempt has ended');
  if (isActive(node)) return deny('notProceeding', 'the node is active already');
  if (node.phase === 'prepare' || node.phase === null) return deny('notProceeding', 'its wave has not begun');
  if (node.phase !== 'proceed') return deny('notProceeding', `the node is told to ${inWords(node.phase)}`);
  if (!node.late) {
    if (isToleranceExceeded(rollout)) return deny('toleratedExceeded', 'more nodes failed than the plan tolerates');
    const wave = rollout.waves[node.wave];
    if (wave?.kind !== 'open' || now >= wave.deadline) return deny('deadlinePassed', 'its wave is over');
  }
  const pause = rollout.pauses[0];
  return pause === undefined ? null : deny('paused', `the rollout is paused: ${inWords(pause.code)}`);
}

/** A failed gate is never waived, an inconclusive one on the site's own records only by the site (R8, E5). */
function judgeEvidence(rollout: RolloutState, node: NodeState): Denial | null {
  const { judged, said } = node;
  if (judged === null) return deny('evidenceMissing', 'no evidence for this assignment has come in');
  if (hasFailedEvidence(judged)) return deny('gateNotPassed', 'a gate failed');
  if (judged.bundled.verdict !== 'pass')
    return deny('gateNotPassed', `bundled items: ${inWords(judged.bundled.reason)}`);
  if (!rollout.offer.suite.readsSiteData || judged.own?.verdict === 'pass') return null;
  const isWaived = judged.own?.verdict === 'inconclusive' && said?.gate?.waivedBySite === true;
  return isWaived
    ? null
    : deny('gateNotPassed', `the site's own records: ${inWords(judged.own?.reason ?? 'noVerdict')}`);
}

/** A wave can begin, and a late node come back, long after the plan was made. */
function judgePolicy({ offer }: RolloutState, now: number): Denial | null {
  const time = judgePolicyTime(offer.policy, now);
  return time.kind === 'blocks' ? deny(time.why, time.detail) : null;
}

function judgeRoom(rollout: RolloutState, node: NodeState, now: number): Denial | null {
  const others = outstandingPermits(rollout, now).filter((it) => it.node !== node.node).length;
  return others < maxConcurrentOf(rollout)
    ? null
    : deny('concurrencyReached', `${others} of ${maxConcurrentOf(rollout)} permits are outstanding`);
}

/** When a refused node should ask again, by what the refusal waits for. */
const RETRY_AFTER_MS: Readonly<Record<PermitRefusal, number>> = {
  unknownAssignment: 5_000,
  planChanged: 5_000,
  notProceeding: 1_000,
  paused: 5_000,
  concurrencyReached: 500,
  toleratedExceeded: 5_000,
  // Already on its way: the node hands it over before it asks.
  evidenceMissing: 200,
  gateNotPassed: 2_000,
  recalled: 60_000,
  rolloutEnded: 60_000,
  readOnly: 30_000,
  deadlinePassed: 5_000,
  policyNotYet: 10_000,
  policyExpired: 60_000,
};

/** Between the questions of all who wait for room: each locks the rollout's row, and one of them soon meets what comes free. */
const BETWEEN_ASKS_MS = 25;
const LONGEST_WAIT_FOR_ROOM_MS = 10_000;

/** `rollout`: null where none is known. The more nodes wait for room, the less often each of them asks. */
export function retryAfterMs(why: PermitRefusal, rollout: RolloutState | null, now: number): number {
  if (why !== 'concurrencyReached' || rollout === null) return RETRY_AFTER_MS[why];
  const waiting = nodesOf(rollout).filter(
    (node) => node.said?.step === 'awaitingPermit' && node.takenBy === null && !isOutstanding(rollout, node, now),
  ).length;
  return Math.min(LONGEST_WAIT_FOR_ROOM_MS, Math.max(RETRY_AFTER_MS.concurrencyReached, waiting * BETWEEN_ASKS_MS));
}

export const isPermitRefusal = (code: string): code is PermitRefusal => code in RETRY_AFTER_MS;
