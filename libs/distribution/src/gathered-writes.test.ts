import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gatherWrites } from './gathered-writes.fs.ts';

/** A file in memory whose calls take at most so many bytes, and fail where `fails` says. Counts them. */
function fileOf(size: number, most: number, fails: (offset: number) => boolean = () => false) {
  const bytes = new Uint8Array(size);
  const seen = { calls: 0, atOnce: 0 };
  let running = 0;
  const take = async (parts: readonly Uint8Array[], offset: number): Promise<number> => {
    seen.calls += 1;
    running += 1;
    seen.atOnce = Math.max(seen.atOnce, running);
    await new Promise(setImmediate);
    running -= 1;
    if (fails(offset)) throw new Error(`no space at ${offset}`);
    const taken = Buffer.concat(parts).subarray(0, most);
    bytes.set(taken, offset);
    return taken.length;
  };
  const handle = {
    write: async (part: Uint8Array, from: number, length: number, offset: number) => ({
      bytesWritten: await take([part.subarray(from, from + length)], offset),
    }),
    writev: async (parts: readonly Uint8Array[], offset: number) => ({ bytesWritten: await take(parts, offset) }),
  } as unknown as Parameters<typeof gatherWrites>[0];
  return { handle, bytes, seen };
}

it('puts every part in its place, in whatever order they come and however little a call takes', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: 1, max: 100 }),
      fc.infiniteStream(fc.nat()),
      async (lengths, most, order) => {
        let at = 0;
        const parts = lengths.map((length, i) => {
          const part = { offset: at, bytes: new Uint8Array(length).fill(i + 1) };
          at += length;
          return part;
        });
        const { handle, bytes, seen } = fileOf(at, most);
        const writeAt = gatherWrites(handle);
        const shuffled = parts.map((part) => ({ part, by: order.next().value })).toSorted((a, b) => a.by - b.by);
        await Promise.all(shuffled.map(({ part }) => writeAt(part.bytes, part.offset)));
        expect(Buffer.from(bytes)).toEqual(Buffer.concat(parts.map((part) => part.bytes)));
        expect(seen.atOnce).toBe(1);
      },
    ),
  );
});

it('writes neighbours in one call, and rejects all of a call that fails and no other', async () => {
  const { handle, seen } = fileOf(100, 100, (offset) => offset === 40);
  const writeAt = gatherWrites(handle);
  const part = new Uint8Array(10);
  const outcomes = await Promise.allSettled([90, 0, 10, 20, 40, 50].map((offset) => writeAt(part, offset)));
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, true, true, true, false, false]);
  // The first goes out at once, by itself.
  expect(seen.calls).toBe(3);
  await expect(writeAt(part, 60)).resolves.toBeUndefined();
});

it('writes to a real file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openward-writes-'));
  try {
    const handle = await open(join(dir, 'file'), 'wx');
    const writeAt = gatherWrites(handle);
    const parts = Array.from({ length: 40 }, (_, i) => new Uint8Array(1000).fill(i));
    await Promise.all(parts.map((bytes, i) => writeAt(bytes, i * 1000)));
    await handle.close();
    expect(await readFile(join(dir, 'file'))).toEqual(Buffer.concat(parts));
  } finally {
    await rm(dir, { recursive: true });
  }
});
