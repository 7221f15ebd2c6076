import { expect, it } from 'vitest';
import { replay } from './journal.ts';
import { settled } from './testing/bench.ts';

it('is written anew as one entry after 500, and a restart finds from it what was known', () => {
  const bench = settled();
  const checkpoints = () => bench.entries.filter(({ kind }) => kind === 'checkpoint').length;
  for (let i = bench.entries.length; i < 500; i++) bench.command({ kind: i % 2 ? 'pin' : 'unpin', service: 'triage' });
  expect(checkpoints()).toBe(0);
  for (let i = 0; i < 300; i++) bench.command({ kind: i % 2 ? 'pin' : 'unpin', service: 'triage' });
  expect(checkpoints()).toBe(1);
  const from = bench.entries.findIndex(({ kind }) => kind === 'checkpoint');
  expect(replay(bench.entries.slice(from))).toEqual(bench.state.durable);
});
