import { expect, it } from 'vitest';
import { FairTurns } from './fair-turns.ts';

/** Works that end when they are told to, by name. */
function works() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => (): Promise<void> => {
    begun.push(name);
    return new Promise((resolve) => void ends.set(name, resolve));
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, work, end };
}

it('runs as many of one caller at once as it may, keeps as many waiting, and refuses the rest', async () => {
  const { begun, work, end } = works();
  const turns = new FairTurns({ atOnce: 10, ofOneAtOnce: 2, ofOneWaiting: 3 });
  const taken = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => turns.take('a', work(name)));
  expect(taken).toEqual([true, true, true, true, true, false]);
  expect(begun).toEqual(['a1', 'a2']);
  await end('a1');
  expect(begun).toEqual(['a1', 'a2', 'a3']);
  expect(turns.take('a', work('a7'))).toBe(true);
});

it('gives callers their turns one after the other, however much one of them asks', async () => {
  const { begun, work, end } = works();
  const turns = new FairTurns({ atOnce: 1, ofOneAtOnce: 1, ofOneWaiting: 100 });
  for (let at = 0; at < 50; at++) turns.take('flood', work(`flood${at}`));
  turns.take('b', work('b0'));
  turns.take('c', work('c0'));
  for (const name of ['flood0', 'flood1', 'b0', 'c0', 'flood2']) await end(name);
  // It stood in the line already when the others came, and behind them ever after.
  expect(begun).toEqual(['flood0', 'flood1', 'b0', 'c0', 'flood2', 'flood3']);
});

it('another caller is not held up by one that has all it may run', () => {
  const { begun, work } = works();
  const turns = new FairTurns({ atOnce: 10, ofOneAtOnce: 1, ofOneWaiting: 10 });
  for (let at = 0; at < 5; at++) turns.take('flood', work(`flood${at}`));
  turns.take('b', work('b0'));
  expect(begun).toEqual(['flood0', 'b0']);
});

it('ends what it took before it closes, and takes no more', async () => {
  const { begun, work, end } = works();
  const turns = new FairTurns({ atOnce: 1, ofOneAtOnce: 1, ofOneWaiting: 10 });
  turns.take('a', work('a1'));
  turns.take('a', work('a2'));
  let closed = false;
  const closing = turns.close().then(() => (closed = true));
  expect(turns.take('a', work('a3'))).toBe(false);
  await end('a1');
  expect(closed).toBe(false);
  await end('a2');
  await closing;
  expect(begun).toEqual(['a1', 'a2']);
});
