import {
  assignmentId,
  type Name,
  type RolloutNodeView,
  type RolloutStatus,
  type RolloutView,
  type WaveGateView,
} from '@openward/contracts';
import { EVALUATION_FAILURES } from './evaluation-failures.ts';
import { owesRollBack } from './nodes.ts';
import { ENGINE_VERSION, type NodeState, type RolloutState, type WaveState } from './state.ts';
import { instant, waitsOfNode, waitsOfPause, waitsOfRollout } from './waits.ts';
import { judgeWave, nodesOf, standingIn, tallyWave } from './wave-gate.ts';

/** Since when nodes are out of reach, in milliseconds since 1970. Nothing is decided by it (R7). */
export type OutOfReach = ReadonlyMap<Name, number>;

/** What one sees of a rollout. `version` is of its row; `now` the database's clock. */
export function viewOf(
  rollout: RolloutState,
  version: number,
  now: number,
  outOfReach: OutOfReach = new Map(),
): RolloutView {
  const { plan, life } = rollout;
  // The store keeps the keys of an object in no order of its own.
  const nodes = nodesOf(rollout)
    .toSorted((a, b) => a.wave - b.wave || (a.node < b.node ? -1 : 1))
    .map((node) => viewNode(rollout, node, now, outOfReach));
  const waits = waitsOfRollout(rollout, now, outOfReach);
  const isNewer = rollout.engine > ENGINE_VERSION;
  const olderEngine = { code: 'olderEngine', since: rollout.startedAt, by: null, detail: null } as const;
  const pauses = isNewer ? [...rollout.pauses, olderEngine] : rollout.pauses;
  return {
    id: rollout.id,
    service: rollout.service,
    release: plan.release,
    planHash: plan.hash,
    status: statusOf(rollout),
    wave: rollout.wave,
    pauses: pauses.map((pause) => ({ ...pause, since: instant(pause.since) })),
    waves: rollout.waves.map((wave, index) => viewWave(rollout, wave, index, now)),
    waits: isNewer ? [...waits, waitsOfPause(olderEngine)] : waits,
    nodes,
    startedAt: instant(rollout.startedAt),
    endedAt: 'at' in life ? instant(life.at) : null,
    ending: 'at' in life && 'by' in life && life.by !== undefined ? { by: life.by, why: life.why ?? null } : null,
    startedBy: rollout.startedBy,
    awaited: nodes.filter(({ waits }) => waits.length > 0).length,
    version,
  };
}

export const statusOf = (rollout: RolloutState): RolloutStatus =>
  rollout.life.kind === 'running' && rollout.pauses.length > 0 ? 'paused' : rollout.life.kind;

function viewWave(rollout: RolloutState, wave: WaveState, index: number, now: number): WaveGateView {
  const { good, failed, declined, unknown, needed } = tallyWave(rollout, index);
  const tally = { wave: index, good, failed, declined, unknown, needed, deadline: null, waived: null };
  switch (wave.kind) {
    case 'notStarted':
      return { ...tally, verdict: 'notStarted' };
    case 'open': {
      const verdict = rollout.life.kind === 'running' ? judgeWave(rollout, wave.deadline, now) : 'open';
      return { ...tally, verdict, deadline: instant(wave.deadline) };
    }
    case 'passed': {
      const { waiver } = wave;
      const waived = waiver === null ? null : { by: waiver.by, reason: waiver.reason, at: instant(waiver.at) };
      // A waiver lets the rollout go on; it does not make the gate a pass (R8).
      return { ...tally, verdict: waiver === null ? 'pass' : 'inconclusive', deadline: instant(wave.deadline), waived };
    }
    case 'failed':
      return { ...tally, verdict: 'fail', deadline: instant(wave.deadline) };
  }
}

/** How long the prompt is stays at the node; how long it may be was said in the plan. */
function failureOf({ plan }: RolloutState, { said }: NodeState): RolloutNodeView['failure'] {
  if (said?.failure == null) return null;
  const what = EVALUATION_FAILURES[said.failure];
  const warned = plan.warnings.find(({ code }) => code === 'promptMayNotFit');
  if (said.failure !== 'contextTooLong' || warned === undefined) return { code: said.failure, what };
  return { code: said.failure, what: `${what} (${warned.detail})` };
}

function viewNode(rollout: RolloutState, node: NodeState, now: number, outOfReach: OutOfReach): RolloutNodeView {
  const { said, judged } = node;
  const gate = said?.gate ?? null;
  const evidence =
    judged === null ? null : judged.bundled.verdict === 'pass' ? (judged.own ?? judged.bundled) : judged.bundled;
  return {
    node: node.node,
    site: node.site,
    wave: node.wave,
    attempt: node.attempt,
    assignment: assignmentId(rollout.id, node.node, node.attempt),
    standing: standingIn(rollout, node),
    step: said?.step ?? null,
    outcome: said?.outcome ?? null,
    reason: said?.reason ?? null,
    failure: failureOf(rollout, node),
    gate:
      gate !== null
        ? { verdict: gate.verdict, reason: gate.reason ?? null, waivedBySite: gate.waivedBySite }
        : evidence !== null
          ? { ...evidence, waivedBySite: false }
          : null,
    soak: said?.soak ?? null,
    waits: waitsOfNode(rollout, node, now, outOfReach.get(node.node) ?? null),
    late: node.late,
    owed: owesRollBack(node) && node.owedSince !== null,
  };
}
