import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { createRestingThread } from './resting-thread.ts';

test('a thread that was given back is taken again, while a second one that is wanted meanwhile is its own', async () => {
  const threads = createRestingThread(64, 60_000);
  const first = threads.take();
  const second = threads.take();
  onTestFinished(async () => void (await Promise.all([first.terminate(), second.terminate()])));
  expect(second).not.toBe(first);
  threads.giveBack(first);
  expect(threads.take()).toBe(first);
});

test('a thread that nobody wants ends after its rest, and is not given out again', async () => {
  const threads = createRestingThread(64, 1);
  const first = threads.take();
  threads.giveBack(first);
  await once(first, 'exit');
  const next = threads.take();
  onTestFinished(async () => void (await next.terminate()));
  expect(next).not.toBe(first);
});

test('a thread that ends while it rests is not given out again', async () => {
  const threads = createRestingThread(64, 60_000);
  const first = threads.take();
  threads.giveBack(first);
  await first.terminate();
  const next = threads.take();
  onTestFinished(async () => void (await next.terminate()));
  expect(next).not.toBe(first);
});
