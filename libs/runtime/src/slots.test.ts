import { describe, expect, test } from 'vitest';

import { RuntimeRefusal } from './refusal.ts';
import { Slots } from './slots.ts';

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'taken',
    (cause: RuntimeRefusal) => cause.code,
  );

describe('slots', () => {
  test('are taken in the order of asking, and no more than there are', async () => {
    const slots = new Slots(1, 2);
    const order: string[] = [];
    const giveBack = await slots.take();
    const second = slots.take().then((back) => (order.push('second'), back));
    const third = slots.take().then((back) => (order.push('third'), back));
    giveBack();
    giveBack();
    (await second)();
    (await third)();
    expect(order).toEqual(['second', 'third']);
    await slots.take();
  });

  test('refuse one more than may wait', async () => {
    const slots = new Slots(1, 1);
    await slots.take();
    void slots.take();
    expect(await codeOf(slots.take())).toBe('queueFull');
  });

  test('forget who stops waiting', async () => {
    const slots = new Slots(1, 2);
    const giveBack = await slots.take();
    const leaving = new AbortController();
    const gone = slots.take(leaving.signal);
    const stays = slots.take();
    leaving.abort();
    expect(await codeOf(gone)).toBe('aborted');
    giveBack();
    expect(await codeOf(stays)).toBe('taken');
    expect(await codeOf(slots.take(leaving.signal))).toBe('aborted');
  });

  test('refuse all who wait, at once', async () => {
    const slots = new Slots(1, 2);
    await slots.take();
    const waiting = [slots.take(), slots.take()].map(codeOf);
    slots.refuseWaiting(new RuntimeRefusal('modelNotLoaded', 'gone'));
    expect(await Promise.all(waiting)).toEqual(['modelNotLoaded', 'modelNotLoaded']);
  });
});
