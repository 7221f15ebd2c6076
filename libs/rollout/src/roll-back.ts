import type { Draft } from './draft.ts';
import { note, setNode, tell } from './draft.ts';
import type { EngineSettings } from './events.ts';
import { hasEnded, isHeldByPin, owesRollBack, tookRelease } from './nodes.ts';
import type { NodeState } from './state.ts';
import { nodesOf, nodesOfWave } from './wave-gate.ts';

// R6. Ending a rollout early, with the nodes that took it left as they are (abort) or taken back (roll back).

/** Permits end and what is staged is dropped; what is active stays. */
export function abort(draft: Draft, by: string, why: string | null = null): void {
  withdraw(
    draft,
    nodesOf(draft.state).filter((node) => !hasEnded(node)),
  );
  draft.state = { ...draft.state, life: { kind: 'aborted', at: draft.now, by, why }, pauses: [] };
  note(draft, by, 'aborted', { wave: draft.state.wave, detail: why });
}

function withdraw(draft: Draft, nodes: readonly NodeState[]): void {
  for (const node of nodes) {
    if (node.phase === 'prepare' || node.phase === 'proceed') tell(draft, node.node, 'withdraw');
  }
}

/** Nodes that did not take the release are let go at once; those that did go back from the last wave down to `downTo`. */
export function beginRollBack(draft: Draft, by: string, why: string, downTo: number, settings: EngineSettings): void {
  withdraw(
    draft,
    nodesOf(draft.state).filter((node) => !tookRelease(node) && !hasEnded(node)),
  );
  const at = draft.state.waves.length - 1;
  const ended = draft.state.recalled && draft.state.life.kind === 'aborted' ? { ended: draft.state.life } : {};
  const life = { kind: 'rollingBack', by, why, scope: { downTo, at, toldSince: draft.now }, ...ended } as const;
  draft.state = { ...draft.state, life, pauses: [] };
  note(draft, by, 'rollBackStarted', { wave: draft.state.wave, detail: why });
  stepRollBack(draft, settings);
}

/**
 * Reverse wave order: a wave's nodes are told once those of every later wave are back, owed or held by their site's pin. One
 * that is out of reach is owed: its desired state goes on saying so, and nothing waits for it any longer.
 */
export function stepRollBack(draft: Draft, settings: EngineSettings): void {
  while (draft.state.life.kind === 'rollingBack') {
    const { life } = draft.state;
    const { downTo, at, toldSince } = life.scope;
    if (at < downTo) {
      const { by, why, ended } = life;
      draft.state = { ...draft.state, life: ended ?? { kind: 'rolledBack', at: draft.now, downTo, by, why } };
      note(draft, 'engine', 'rolledBack', { detail: owedText(draft) });
      return;
    }
    for (const node of nodesOfWave(draft.state, at)) if (tookRelease(node)) tell(draft, node.node, 'rollBack');
    if (draft.now >= toldSince + settings.rollBackPatienceMs) callOwed(draft, at);
    if (nodesOfWave(draft.state, at).some((node) => isAwaited(draft, node))) return;
    draft.state = { ...draft.state, life: { ...life, scope: { downTo, at: at - 1, toldSince: draft.now } } };
  }
}

const isAwaited = (draft: Draft, node: NodeState): boolean =>
  owesRollBack(node) && node.owedSince === null && !isHeldByPin(node, draft.state.recalled);

function callOwed(draft: Draft, wave: number): void {
  for (const node of nodesOfWave(draft.state, wave)) {
    if (!isAwaited(draft, node)) continue;
    setNode(draft, { ...node, owedSince: draft.now });
    note(draft, 'engine', 'rollBackOwed', { wave, node: node.node });
  }
}

function owedText(draft: Draft): string | null {
  const owed = nodesOf(draft.state).filter(owesRollBack);
  return owed.length === 0 ? null : `still to go back: ${owed.map((node) => node.node).join(', ')}`;
}
