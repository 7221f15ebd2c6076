import { digestOf, type Digest } from '@openward/contracts';
import type { Serving } from '@openward/persistence';
import { expect, it } from 'vitest';
import { recallEffectOf } from './recall-effect.ts';

const [ONE, TWO, THREE] = [1, 2, 3].map((number) => digestOf(number)) as [Digest, Digest, Digest];
const told = (rollbackTarget: Digest | null, phase: 'proceed' | 'complete', release = TWO) => ({
  release,
  rollbackTarget,
  phase,
});
const node = (change: Partial<Serving>): Serving => ({
  node: 'a',
  site: 's',
  lastGood: null,
  anchor: null,
  told: null,
  ...change,
});

it.each<[string, Partial<Serving>, Digest[], number]>([
  ['goes back to what its live rollout names', { lastGood: ONE, told: told(ONE, 'proceed') }, [], 0],
  ['has nothing in its first rollout', { told: told(null, 'proceed') }, [], 1],
  [
    'has nothing where what it would go back to is recalled too',
    { lastGood: ONE, told: told(ONE, 'proceed') },
    [ONE],
    1,
  ],
  [
    'goes back to its anchor after its rollout, where that is the target',
    { lastGood: TWO, anchor: ONE, told: told(ONE, 'complete') },
    [],
    0,
  ],
  [
    'has nothing after its rollout, where the target is kept no more',
    { lastGood: TWO, anchor: THREE, told: told(ONE, 'complete') },
    [],
    1,
  ],
  [
    'has nothing after its rollout, which it has not reported to be over yet',
    { lastGood: ONE, anchor: THREE, told: told(ONE, 'complete') },
    [],
    1,
  ],
  [
    'goes to its last good release from one that nobody told it',
    { lastGood: ONE, told: told(THREE, 'complete', THREE) },
    [],
    0,
  ],
])('a node that serves a release that is recalled %s', (_what, change, recalled, count) => {
  const effect = recallEffectOf(TWO, [node(change)], recalled);
  expect(effect).toEqual({ serving: 1, leftWithNothing: count, nodes: count === 0 ? [] : [{ node: 'a', site: 's' }] });
});
