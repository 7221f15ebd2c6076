import {
  addPause,
  liftPauses,
  note,
  offerNextAttempt,
  setNode,
  tell,
  tellWhoAwaitsPermits,
  type Draft,
} from './draft.ts';
import { advance, passWave } from './advance.ts';
import type { EngineSettings, RefusalCode, RolloutEvent } from './events.ts';
import { inWords } from './in-words.ts';
import { recallLate } from './late.ts';
import { hasEnded, owesRollBack, tookRelease } from './nodes.ts';
import { abort, beginRollBack } from './roll-back.ts';
import { isToleranceExceeded, judgeWave, nodesOf, standingIn } from './wave-gate.ts';

// What persons ask of a rollout. Each either changes the draft and returns null, or says why not and has changed nothing.

export interface Refused {
  readonly code: RefusalCode;
  readonly why: string;
}
type Of<K extends RolloutEvent['kind']> = Extract<RolloutEvent, { kind: K }>;

const refuse = (code: RefusalCode, why: string): Refused => ({ code, why });

/** No new permit, no new wave; what has begun ends. A completed rollout can be paused for its late nodes. */
export function pause(draft: Draft, event: Of<'pause'>): Refused | null {
  const { kind } = draft.state.life;
  if (kind !== 'running' && kind !== 'completed') return refuse('notRunning', `the rollout is ${inWords(kind)}`);
  return addPause(draft, 'byAdmin', event.by, event.detail)
    ? null
    : refuse('alreadyPaused', 'an admin paused it already');
}

export function resume(draft: Draft, event: Of<'resume'>, settings: EngineSettings): Refused | null {
  const lifted = draft.state.pauses.filter((it) => event.codes.some((code) => code === it.code));
  if (lifted.length === 0) {
    const standing = draft.state.pauses.map((it) => inWords(it.code)).join(', ');
    return refuse('notPaused', standing === '' ? 'it is not paused' : `it is paused for another reason: ${standing}`);
  }
  liftPauses(draft, event.codes);
  for (const it of lifted) note(draft, event.by, 'resumed', { reason: it.code });
  if (draft.state.pauses.length === 0) tellWhoAwaitsPermits(draft);
  advance(draft, settings);
  return null;
}

export function abortByAdmin(draft: Draft, event: Of<'abort'>): Refused | null {
  if (draft.state.life.kind !== 'running')
    return refuse('notRunning', `the rollout is ${inWords(draft.state.life.kind)}`);
  abort(draft, event.by);
  return null;
}

/** Also after an abort or a rollback of one wave, while nodes still have the release. A completed rollout is not taken back: its release is last good. */
export function rollBack(draft: Draft, event: Of<'rollBack'>, settings: EngineSettings): Refused | null {
  const { life } = draft.state;
  if (life.kind === 'completed') {
    return refuse('rolloutEnded', 'it has completed: roll out the release before it, or recall this one');
  }
  if (life.kind === 'rollingBack' && life.scope.downTo === 0) return refuse('notRunning', 'it is being rolled back');
  if (life.kind !== 'running' && !nodesOf(draft.state).some((node) => node.takenBy === null && tookRelease(node))) {
    return refuse('nothingToTakeBack', 'no node has this release from here');
  }
  beginRollBack(draft, event.by, event.reason, 0, settings);
  return null;
}

/** R8: an inconclusive wave gate, never a failed one, and not before it is inconclusive. */
export function waive(draft: Draft, event: Of<'waive'>, settings: EngineSettings): Refused | null {
  const { life, waves, wave } = draft.state;
  const state = waves[event.wave];
  if (life.kind !== 'running') return refuse('notRunning', `the rollout is ${inWords(life.kind)}`);
  if (event.wave !== wave || state?.kind !== 'open') {
    return refuse(
      'waveNotInconclusive',
      `wave ${event.wave + 1} is ${state === undefined ? 'not in the plan' : inWords(state.kind)}`,
    );
  }
  const verdict = judgeWave(draft.state, state.deadline, draft.now);
  if (verdict !== 'inconclusive')
    return refuse('waveNotInconclusive', `the gate of wave ${event.wave + 1} says ${verdict}`);
  passWave(draft, { by: event.by, reason: event.reason, at: draft.now });
  advance(draft, settings);
  return null;
}

/** N3: the one way to try again after an end. */
export function retry(draft: Draft, event: Of<'retry'>): Refused | null {
  const { life, waves, recalled } = draft.state;
  const node = draft.state.nodes[event.node];
  if (node === undefined || node.takenBy !== null) return refuse('unknownNode', `${event.node} is not in this rollout`);
  if (recalled) return refuse('recalled', 'the release is recalled');
  if (life.kind !== 'running' && life.kind !== 'completed')
    return refuse('notRunning', `the rollout is ${inWords(life.kind)}`);
  if (!hasEnded(node)) return refuse('notEnded', `attempt ${node.attempt} of ${node.node} has not ended`);
  if (node.said?.outcome === 'unableToRollBack') return refuse('notEnded', `${node.node} could not go back`);
  const failed = standingIn(draft.state, node) === 'failed' && !node.late;
  const phase = waves[node.wave]?.kind === 'notStarted' ? 'prepare' : 'proceed';
  if (life.kind === 'running') {
    if (waves[node.wave]?.kind === 'passed')
      return refuse('wavePassed', 'its wave has passed; retry when the rollout has completed');
    if (isToleranceExceeded(draft.state))
      return refuse('toleratedExceeded', 'more nodes failed than the plan tolerates');
  }
  // A failure before its wave began has cost no clinic anything and is forgotten; any other counts for ever.
  offerNextAttempt(draft, node, { phase, late: life.kind === 'completed', failed: failed && phase === 'proceed' });
  note(draft, event.by, 'retried', { node: node.node, wave: node.wave });
  return null;
}

/** H2: pauses what may still spread, and is on the record in any case. */
export function harm(draft: Draft, event: Of<'harm'>): null {
  const { kind } = draft.state.life;
  note(draft, event.site, 'harmNotice', { detail: event.detail });
  if (kind === 'running' || kind === 'completed') addPause(draft, 'harmNotice', event.site, event.detail);
  return null;
}

export function recall(draft: Draft, event: Of<'recall'>, settings: EngineSettings): null {
  if (draft.state.recalled) return null;
  draft.state = { ...draft.state, recalled: true };
  note(draft, event.by, 'recalled', { detail: event.reason });
  const { life } = draft.state;
  if (life.kind === 'completed') {
    recallLate(draft);
    return null;
  }
  const isWholeBack =
    (life.kind === 'rollingBack' && life.scope.downTo === 0) || (life.kind === 'rolledBack' && life.downTo === 0);
  const isAnyoneOnIt = nodesOf(draft.state).some((node) => node.takenBy === null && tookRelease(node));
  if (!isWholeBack && (life.kind === 'running' || isAnyoneOnIt))
    beginRollBack(draft, event.by, event.reason, 0, settings);
  return null;
}

/** R5: the newer rollout's start. What has to go back first cannot be taken over. */
export function taken(draft: Draft, event: Of<'taken'>): Refused | null {
  const nodes = event.nodes.flatMap((name) => draft.state.nodes[name] ?? []).filter((node) => node.takenBy === null);
  if (nodes.length === 0) return null;
  if (draft.state.life.kind === 'rollingBack' || nodes.some(owesRollBack)) {
    return refuse('notEnded', `${draft.state.id} still takes nodes back`);
  }
  if (draft.state.life.kind === 'running') abort(draft, event.by, `superseded by ${event.rollout}`);
  for (const { node } of nodes) {
    const now = draft.state.nodes[node];
    if (now === undefined) continue;
    if (now.late && now.phase === 'proceed' && !hasEnded(now)) tell(draft, node, 'withdraw');
    setNode(draft, { ...(draft.state.nodes[node] ?? now), takenBy: event.rollout });
  }
  note(draft, event.by, 'takenOver', { detail: `${nodes.map((it) => it.node).join(', ')} by ${event.rollout}` });
  return null;
}
