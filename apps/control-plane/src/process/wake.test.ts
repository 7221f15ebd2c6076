import type { Timers } from '@openward/contracts';
import { expect, it } from 'vitest';
import { Wake } from './wake.ts';

function clockwork() {
  let now = 0;
  const rests: number[] = [];
  const timers: Timers = {
    sleep: (ms, signal) => {
      rests.push(ms);
      if (signal?.aborted === true) return Promise.reject(new Error('aborted'));
      now += ms;
      return Promise.resolve();
    },
  };
  return { rests, timers, clock: { monotonic: () => now, wall: () => now } };
}

it('rests as long as it is told while nothing happens', async () => {
  const { rests, timers, clock } = clockwork();
  await new Wake(timers, clock, { restMs: 5, forMs: 20 }).sleep(1000);
  expect(rests).toEqual([1000]);
});

it('woken while it works, it does not rest, and rests little for a while after', async () => {
  const { rests, timers, clock } = clockwork();
  const wake = new Wake(timers, clock, { restMs: 5, forMs: 12 });
  wake.wake();
  for (let at = 0; at < 5; at += 1) await wake.sleep(1000);
  expect(rests).toEqual([5, 5, 5, 5, 1000]);
});

it('ends with the signal of its loop', async () => {
  const { timers, clock } = clockwork();
  await expect(new Wake(timers, clock).sleep(1000, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
});
