import { expect, it } from 'vitest';
import { RefusedSenders } from './refused-senders.ts';

const refusedTimes = (times: number): RefusedSenders => {
  const senders = new RefusedSenders();
  for (let at = 0; at < times; at++) senders.refused('n1', 0);
  return senders;
};

it('looks at each message of a sender that is refused now and then', () => {
  const senders = refusedTimes(7);
  expect(senders.putBackMs('n1', 0)).toBe(0);
  senders.taken('n1');
  senders.refused('n1', 0);
  expect(senders.putBackMs('n1', 0)).toBe(0);
});

it('looks at two messages a second of a sender that is refused eight times in a row, and at all of another', () => {
  const senders = refusedTimes(8);
  const looked = Array.from({ length: 10_000 }, (_, ms) => senders.putBackMs('n1', ms)).filter((wait) => wait === 0);
  expect(looked).toHaveLength(19);
  expect(senders.putBackMs('n2', 0)).toBe(0);
});

it('has what it put back come again one by one, so that a queue of it ends', () => {
  const senders = refusedTimes(8);
  let waits = Array.from({ length: 50 }, () => senders.putBackMs('n1', 0));
  expect(waits).toEqual(Array.from({ length: 50 }, (_, at) => (at + 1) * 1_000));
  // Each comes a little late, and is refused a little later.
  waits = waits.map((ms, at) => senders.putBackMs('n1', ms + (at % 7) * 20));
  expect(waits.every((wait) => wait === 0)).toBe(true);
});

it('never puts one back for more than a minute', () => {
  const senders = refusedTimes(8);
  expect(Math.max(...Array.from({ length: 500 }, () => senders.putBackMs('n1', 0)))).toBe(60_000);
});

it('holds a sender like any other again as soon as one message of it is taken', () => {
  const senders = refusedTimes(100);
  expect(senders.putBackMs('n1', 499)).toBeGreaterThan(0);
  expect(senders.putBackMs('n1', 500)).toBe(0);
  senders.taken('n1');
  expect([1, 2, 3].map(() => senders.putBackMs('n1', 500))).toEqual([0, 0, 0]);
});
