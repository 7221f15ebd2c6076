import type { Draft } from './draft.ts';
import { note, offerNextAttempt, setNode, tell } from './draft.ts';
import { hasEnded, tookRelease } from './nodes.ts';
import { nodesOf, standingIn } from './wave-gate.ts';

// R7. A rollout is complete when each wave has passed; whoever was out of reach comes later, each as a wave of its own.

/** What is good becomes last good. A node of which nothing is known gets its next attempt now, to be found when it is back. */
export function complete(draft: Draft): void {
  draft.state = { ...draft.state, life: { kind: 'completed', at: draft.now } };
  note(draft, 'engine', 'completed', { wave: draft.state.wave });
  for (const node of nodesOf(draft.state)) {
    const standing = standingIn(draft.state, node);
    if (standing === 'good') tell(draft, node.node, 'complete');
    if (standing !== 'unknown' || hasEnded(node)) continue;
    // It may serve already under its permit: to begin again would make it measure the release against itself.
    if (tookRelease(node)) setNode(draft, { ...node, late: true });
    else offerNextAttempt(draft, node, { phase: 'proceed', late: true, failed: false });
    note(draft, 'engine', 'lateAttempt', { node: node.node, wave: node.wave });
  }
}

/** A late node passes or fails alone. */
export function settleLate(draft: Draft): void {
  for (const node of nodesOf(draft.state)) {
    if (!node.late || draft.state.recalled) continue;
    const standing = standingIn(draft.state, node);
    if (standing === 'good' && draft.state.pauses.length === 0) tell(draft, node.node, 'complete');
    if (standing === 'failed' && node.phase !== 'complete' && tookRelease(node)) tell(draft, node.node, 'rollBack');
  }
}

/** A recall after the rollout: late nodes turn round; of committed ones the list of recalled releases takes care. */
export function recallLate(draft: Draft): void {
  for (const node of nodesOf(draft.state)) {
    if (!node.late || node.phase === 'complete' || hasEnded(node)) continue;
    tell(draft, node.node, tookRelease(node) ? 'rollBack' : 'withdraw');
  }
}
