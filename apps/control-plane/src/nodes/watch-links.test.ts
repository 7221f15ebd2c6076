import type { Log, Name } from '@openward/contracts';
import type { LinksSeen } from '@openward/persistence';
import { expect, it } from 'vitest';
import { watchLinks } from './watch-links.ts';

const QUIET: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** What was written when the looks were these; null is a look that no server answered. */
async function written(looks: readonly (readonly Name[] | null)[]): Promise<LinksSeen[]> {
  const seen: LinksSeen[] = [];
  const ending = new AbortController();
  const left = [...looks];
  await watchLinks(
    {
      look: async () => left.shift() ?? Promise.reject(new Error('no server')),
      saw: async (it) => void seen.push(it),
      timers: {
        sleep: async () => {
          if (left.length === 0) ending.abort();
        },
      },
      log: QUIET,
    },
    1,
    ending.signal,
  );
  return seen;
}

it('calls nobody gone after one look, and then whoever two looks in a row have missed', async () => {
  expect(await written([['a', 'b'], ['a'], ['a']])).toEqual([
    { connected: ['a', 'b'], before: null },
    { connected: ['a'], before: ['a', 'b'] },
    { connected: ['a'], before: ['a'] },
  ]);
});

it('writes nothing where no server says who is connected, and begins anew afterwards', async () => {
  expect(await written([['a'], null, ['b'], ['b']])).toEqual([
    { connected: ['a'], before: null },
    { connected: ['b'], before: null },
    { connected: ['b'], before: ['b'] },
  ]);
});
