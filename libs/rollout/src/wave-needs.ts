import type { Clearer, Wait } from '@openward/contracts';
import { hasEnded } from './nodes.ts';
import { inWords } from './in-words.ts';
import type { NodeState, RolloutState } from './state.ts';
import { nodesOfWave, standingIn, tallyWave } from './wave-gate.ts';

const MOST_NAMED = 5;
const TOO_FEW = 'too few are left for it to pass: `openward rollouts rollback` or `abort`';

/** A node that counts as unknown, and what nobody but a person ends. */
interface Held {
  readonly node: NodeState;
  readonly what: string;
  readonly clearedBy: Clearer;
}

/**
 * What keeps the open wave from its quorum however long one waits, and who can clear it: too few of its nodes are left that go on by
 * themselves. Null where time alone may bring it there.
 */
export function whatWaveNeeds(
  rollout: RolloutState,
  waitsOf: (node: NodeState) => readonly Wait[],
): { readonly clearedBy: Clearer; readonly why: string } | null {
  const { good, needed, unknown } = tallyWave(rollout, rollout.wave);
  const missing = needed - good;
  if (missing <= 0) return null;
  if (missing > unknown) return { clearedBy: 'networkAdmin', why: TOO_FEW };
  const held = nodesOfWave(rollout, rollout.wave)
    .filter((node) => standingIn(rollout, node) === 'unknown')
    .flatMap((node) => heldBy(node, waitsOf(node)) ?? []);
  const short = missing - (unknown - held.length);
  if (short <= 0) return null;
  const names = held.slice(0, MOST_NAMED).map(({ node, what }) => `${node.node} (${what})`);
  const more = held.length > MOST_NAMED ? ` and ${held.length - MOST_NAMED} more` : '';
  const which = short === held.length ? '' : `${short} of `;
  return { clearedBy: clearerOf(held), why: `it cannot pass without ${which}${names.join(', ')}${more}` };
}

function heldBy(node: NodeState, [first]: readonly Wait[]): Held | null {
  if (node.takenBy !== null) return { node, what: `taken over by ${node.takenBy}`, clearedBy: 'networkAdmin' };
  if (hasEnded(node)) return { node, what: 'its attempt has ended', clearedBy: 'networkAdmin' };
  if (first?.clearedBy !== 'site' && first?.clearedBy !== 'networkAdmin') return null;
  return { node, what: inWords(first.code), clearedBy: first.clearedBy };
}

const clearerOf = (held: readonly Held[]): Clearer =>
  held.some(({ clearedBy }) => clearedBy === 'site') ? 'site' : 'networkAdmin';
