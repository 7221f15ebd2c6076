import { setImmediate as turn } from 'node:timers/promises';
import { createBell } from '@openward/privacy';
import { expect, test } from 'vitest';
import { keepCredentials, type RenewalPorts } from './renewal.ts';

const MINUTE = 60_000;

/** Virtual time: a wait passes at once. `tries` holds when HTTPS was asked. */
async function renewals(until: number, changes: Partial<RenewalPorts>): Promise<{ tries: number[]; nats: number }> {
  const stop = new AbortController();
  const tries: number[] = [];
  let nats = 0;
  let now = 0;
  const bell = createBell();
  const ports: RenewalPorts = {
    timers: {
      sleep: async (ms, signal) => {
        // The server refuses at each of the client's tries, and rings each time.
        for (const end = now + ms; now < end; now = Math.min(end, now + 2000)) {
          await turn();
          signal?.throwIfAborted();
          if (now >= until) stop.abort();
          bell.ring();
        }
      },
    },
    clock: { monotonic: () => now, wall: () => now },
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    credentials: () => ({ control: '', bulk: '', expiresAt: new Date(1e9).toISOString(), families: [] }),
    isRefused: () => true,
    isConnected: () => false,
    overNats: () => {
      nats++;
      stop.abort();
      return Promise.reject(new Error('not in this test'));
    },
    overHttps: () => {
      tries.push(now);
      return Promise.reject(new Error('nobody answers'));
    },
    adopt: () => Promise.resolve(),
    ...changes,
  };
  await keepCredentials(ports, (signal) => bell.wait(signal), stop.signal);
  return { tries, nats };
}

test('a renewal that nobody answers is tried ever more seldom, at most each ten minutes, however often a server refuses', async () => {
  const { tries } = await renewals(120 * MINUTE, {});
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(gaps.length).toBeGreaterThan(10);
  expect(gaps[0]).toBeLessThan(10_000);
  for (const gap of gaps.slice(-3)) expect(gap).toBeGreaterThanOrEqual(10 * MINUTE);
  for (const gap of gaps) expect(gap).toBeLessThan(11 * MINUTE);
});

test('who is connected renews over NATS, though a clock that runs ahead calls the credentials expired', async () => {
  const { tries, nats } = await renewals(MINUTE, {
    isRefused: () => false,
    isConnected: () => true,
    credentials: () => ({ control: '', bulk: '', expiresAt: new Date(-1e9).toISOString(), families: [] }),
  });
  expect({ tries, nats }).toEqual({ tries: [], nats: 1 });
});
