import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';

describe('a small network, simulated', () => {
  it('breaks no rule and ends well, whatever dies, is lost, halted or recalled on the way', async () => {
    for (let seed = 1; seed <= 25; seed++) await simulate(seed);
  }, 60_000);

  it('happens the same way twice from one seed', async () => {
    expect(await simulate(7)).toEqual(await simulate(7));
  }, 20_000);
});
