import { digestOf, type AssignmentPhase, type Digest } from '@openward/contracts';
import { expect, it } from 'vitest';
import { lastGoodOf } from './last-good.ts';

const [ONE, TWO, THREE] = [1, 2, 3].map((number) => digestOf(number)) as [Digest, Digest, Digest];
const told = (release: Digest, phase: AssignmentPhase) => ({ release, phase });

it.each([
  ['what it serves, as soon as that rollout is over', told(TWO, 'complete'), TWO],
  ['what it says, while its rollout lives', told(TWO, 'proceed'), ONE],
  ['what it says, where it serves something else than it was told', told(THREE, 'complete'), ONE],
  ['what it says, where it was told nothing', null, ONE],
])('R6 the last good release of a node is %s', (_what, last, is) => {
  expect(lastGoodOf({ active: TWO, lastGood: ONE }, last)).toBe(is);
});
