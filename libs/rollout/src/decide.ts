import { advance, takeIn } from './advance.ts';
import * as commands from './commands.ts';
import { draftOf, note, setNode, type Draft } from './draft.ts';
import { DEFAULT_ENGINE_SETTINGS, type Decision, type EngineSettings, type RolloutEvent } from './events.ts';
import { hasEnded, tookRelease } from './nodes.ts';
import { judgePermit, isOutstanding } from './permits.ts';
import { ENGINE_VERSION, type RolloutState } from './state.ts';
import { nodesOf } from './wave-gate.ts';

/**
 * The rollout's machine. Pure: the same state and event give the same decision, so a replica that died before it stored one
 * is replaced by another that decides it again. A refusal changes nothing. Where nothing changes, `next` is the very object given.
 */
export function decide(
  state: RolloutState,
  event: RolloutEvent,
  settings: EngineSettings = DEFAULT_ENGINE_SETTINGS,
): Decision {
  if (state.engine > ENGINE_VERSION) {
    return {
      kind: 'refused',
      refused: 'newerEngine',
      why: `written by engine ${state.engine}; this is ${ENGINE_VERSION}`,
    };
  }
  const draft = draftOf(state, event.now);
  const refused = apply(draft, event, settings);
  if (refused !== null) return { kind: 'refused', refused: refused.code, why: refused.why };
  return { kind: 'decided', next: draft.state, effects: draft.effects };
}

function apply(draft: Draft, event: RolloutEvent, settings: EngineSettings): commands.Refused | null {
  switch (event.kind) {
    case 'tick':
      takeIn(draft, event.inputs);
      if (event.beginsNothing !== true) advance(draft, settings);
      return null;
    case 'pause':
      return commands.pause(draft, event);
    case 'resume':
      return commands.resume(draft, event, settings);
    case 'abort':
      return commands.abortByAdmin(draft, event);
    case 'rollBack':
      return commands.rollBack(draft, event, settings);
    case 'waive':
      return commands.waive(draft, event, settings);
    case 'retry':
      return commands.retry(draft, event);
    case 'permitAsked':
      return givePermit(draft, event, settings);
    case 'harm':
      return commands.harm(draft, event);
    case 'recall':
      return commands.recall(draft, event, settings);
    case 'taken':
      return commands.taken(draft, event);
  }
}

/** R4. The asker's own report counts first: a failure in it that no tick has seen yet must not be overtaken by a permit. */
function givePermit(
  draft: Draft,
  event: Extract<RolloutEvent, { kind: 'permitAsked' }>,
  settings: EngineSettings,
): commands.Refused | null {
  if (event.input !== null) takeIn(draft, [event.input]);
  const node = draft.state.nodes[event.node];
  const denial = judgePermit(draft.state, node, event, event.now);
  if (denial !== null) return denial;
  if (node === undefined) throw new Error(`${event.node} was permitted but is not in ${draft.state.id}`);
  setNode(draft, { ...node, permit: { nonce: event.nonce, at: event.now, isSpent: false } });
  note(draft, 'engine', 'permitGranted', { node: node.node, wave: node.wave });
  const { assignment, planHash, release, nonce } = event;
  const lifetimeMs = settings.permitLifetimeMs;
  draft.effects.push({ kind: 'grantPermit', node: node.node, nonce, assignment, planHash, release, lifetimeMs });
  return null;
}

/** When time alone next matters: a deadline, or the end of a rollback's patience. */
export function dueAt(
  state: RolloutState,
  now: number,
  settings: EngineSettings = DEFAULT_ENGINE_SETTINGS,
): number | null {
  switch (state.life.kind) {
    case 'running': {
      const wave = state.waves[state.wave];
      return wave?.kind === 'open' && wave.deadline > now ? wave.deadline : null;
    }
    case 'rollingBack':
      return state.life.scope.toldSince + settings.rollBackPatienceMs;
    case 'completed':
    case 'aborted':
    case 'rolledBack':
      return null;
  }
}

/** It may still tell some node something, or hear how one ended; a closed rollout needs no tick and is in nobody's way. */
export function isOpen(state: RolloutState): boolean {
  const mine = nodesOf(state).filter((node) => node.takenBy === null);
  switch (state.life.kind) {
    case 'running':
    case 'rollingBack':
      return true;
    case 'completed':
      return mine.length > 0;
    case 'aborted':
    case 'rolledBack':
      return mine.some((node) => node.phase !== null && (!hasEnded(node) || tookRelease(node)));
  }
}

export const permitsOutstanding = (state: RolloutState, now: number): number =>
  nodesOf(state).filter((node) => isOutstanding(state, node, now)).length;
