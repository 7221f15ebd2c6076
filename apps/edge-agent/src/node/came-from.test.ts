import type { Held, NodeState } from '@openward/activation';
import { expect, test } from 'vitest';
import { cameFrom } from './came-from.ts';

const held = (number: number) => ({ key: `key-${number}`, release: `sha256:${number}`, number }) as Held;
const at = (progress: object) =>
  ({ durable: { services: { triage: { attempt: { progress } } } } }) as unknown as Pick<NodeState, 'durable'>;

test.each([
  ['what served before, of a release that is watched', { at: 'activated' }, held(2), held(1)],
  ['nothing, of another release', { at: 'activated' }, held(3), null],
  ['nothing, once it is committed', { at: 'committed' }, held(2), null],
])('the journal says %s', (_, progress, asked, from) => {
  const state = at({ ...progress, candidate: held(2), before: held(1) });
  expect(cameFrom(state, 'triage', asked)).toEqual(from);
  expect(cameFrom(state, 'letters', asked)).toBeNull();
});
