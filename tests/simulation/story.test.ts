import { describe, expect, it } from 'vitest';
import { simulate } from './story.ts';

const SEEDS = Number(process.env['OPENWARD_SEEDS'] ?? 12);

describe('the story of four releases, simulated', () => {
  it('ends as told where nothing goes wrong', async () => {
    await simulate(1, { chaos: false });
  }, 30_000);

  it('ends as told and breaks no rule, whatever dies, is lost, late or doubled on the way', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) await simulate(seed);
  }, 3_600_000);

  it('happens the same way twice from one seed', async () => {
    expect(await simulate(7)).toEqual(await simulate(7));
  }, 30_000);
});
