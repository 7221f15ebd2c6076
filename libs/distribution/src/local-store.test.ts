import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_SIZE, digestOfBytes } from '@openward/contracts';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hexOf, pathOf } from './durable.fs.ts';
import { type NodeStore, openLocalStore } from './local-store.fs.ts';
import { giveUpReserve, hasReserve } from './reserve.fs.ts';
import { type BuiltArtifact, describeArtifact } from './manifest.ts';
import type { LocalStore, TargetFile } from './ports.ts';
import { SimulatedDisk, simulatedStore } from './simulated-store.fixture.ts';
import { Life, World } from './simulated-world.fixture.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

const MIB = 1024 * 1024;
const folders: string[] = [];
const folder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'openward-node-'));
  folders.push(dir);
  return dir;
};
afterEach(async () => {
  vi.restoreAllMocks();
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true });
});

interface Artifact extends BuiltArtifact {
  readonly bytes: Uint8Array;
}

async function artifactOf(bytes: Uint8Array): Promise<Artifact> {
  const source = { size: bytes.length, read: async (at: number, n: number) => bytes.subarray(at, at + n) };
  return { ...(await describeArtifact(source, 'document')), bytes };
}

const patterned = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * seed + (i >> 16) + seed) & 255);

const put = (target: TargetFile, { layout, bytes }: Artifact, index: number): Promise<void> => {
  const { offset, size } = layout.chunks[index]!;
  return target.write(index, bytes.subarray(offset, offset + size));
};

async function fill(store: LocalStore, artifact: Artifact): Promise<string> {
  for (const piece of [artifact.manifest, ...artifact.lists]) await store.writePiece(piece.digest, piece.bytes);
  const target = await store.open(artifact.layout);
  for (const index of artifact.layout.chunks.keys()) await put(target, artifact, index);
  await target.sync();
  expect(await target.digest()).toBe(artifact.layout.manifest.file);
  return target.commit();
}

/** A store on a machine that can be cut off: `again` is the store after the machine came back. */
type Made = { store: LocalStore; again: () => Promise<LocalStore> };
const makers: [string, () => Promise<Made>][] = [
  [
    'in a folder',
    async () => {
      const dir = await folder();
      const open = (): Promise<NodeStore> => openLocalStore({ dir, reserveBytes: 0 });
      return { store: await open(), again: open };
    },
  ],
  [
    'in a simulation',
    async () => {
      const world = new World(1);
      const disk = new SimulatedDisk(world, 1 << 30, 0);
      let life = new Life(world);
      let isStopped = false;
      const pump = async (): Promise<void> => {
        while (!isStopped) await world.run(() => isStopped, world.now + 1000).then(() => new Promise(setImmediate));
      };
      void pump();
      folders.push(await mkdtemp(join(tmpdir(), 'openward-node-')));
      stops.push(() => (isStopped = true));
      const again = async (): Promise<LocalStore> => {
        life.end();
        disk.crash();
        life = new Life(world);
        return simulatedStore(disk, life);
      };
      return { store: simulatedStore(disk, life), again };
    },
  ],
];
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

describe.each(makers)("D1 the node's store %s", (_, make) => {
  it('gives a whole file its name only when it is whole, and finds its chunks for the next one', async () => {
    const { store } = await make();
    const artifact = await artifactOf(patterned(3 * CHUNK_SIZE + 5, 3));
    expect(await store.find(artifact.layout.manifest.file)).toBeUndefined();
    const target = await store.open(artifact.layout);
    await put(target, artifact, 0);
    await target.sync();
    expect(await target.digest()).not.toBe(artifact.layout.manifest.file);
    await expect(target.commit()).rejects.toThrow('only after its digest');
    await target.close();
    expect(await store.find(artifact.layout.manifest.file)).toBeUndefined();
    expect(await store.findChunk(artifact.layout.chunks[0]!.digest)).toBeUndefined();
    const path = await fill(store, artifact);
    expect(await store.find(artifact.layout.manifest.file)).toBe(path);
    const found = await store.findChunk(artifact.layout.chunks[3]!.digest);
    expect(Buffer.from(found!)).toEqual(Buffer.from(artifact.bytes.subarray(-5)));
    expect(await store.findChunk(digestOfBytes('another'))).toBeUndefined();
  });

  it('keeps after a crash what was synced, and counts nothing else as done', async () => {
    const { store, again } = await make();
    const artifact = await artifactOf(patterned(4 * CHUNK_SIZE, 3));
    const target = await store.open(artifact.layout);
    expect(target.done.size).toBe(0);
    await put(target, artifact, 2);
    await put(target, artifact, 0);
    await target.sync();
    await put(target, artifact, 3);
    await (makers[0]![1] === make ? target.close() : undefined);
    const next = await (await again()).open(artifact.layout);
    expect(next.done).toEqual(new Set([0, 2]));
    expect(digestOfBytes(await next.read(2))).toBe(artifact.layout.chunks[2]!.digest);
    await next.forget([2]);
    await next.close();
    const last = await (await again()).open(artifact.layout);
    expect(last.done).toEqual(new Set([0]));
    await last.close();
  });

  it('forgets what is discarded', async () => {
    const { store } = await make();
    const artifact = await artifactOf(patterned(1000, 3));
    const target = await store.open(artifact.layout);
    await put(target, artifact, 0);
    await target.sync();
    await target.discard();
    const next = await store.open(artifact.layout);
    expect(next.done.size).toBe(0);
    await next.close();
  });

  it('keeps pieces, and refuses to take other bytes for one', async () => {
    const { store, again } = await make();
    const { manifest } = await artifactOf(patterned(1000, 3));
    await store.writePiece(manifest.digest, manifest.bytes);
    const kept = await (await again()).readPiece(manifest.digest);
    expect(Buffer.from(kept!)).toEqual(Buffer.from(manifest.bytes));
    const after = await again();
    await expect(after.writePiece(digestOfBytes('x'), manifest.bytes)).rejects.toThrow(/bytes/);
    expect(await after.readPiece(digestOfBytes('x'))).toBeUndefined();
  });
});

describe("D1 the node's store on a real disk", () => {
  const opened = async (dir: string, reserveBytes = 0): Promise<NodeStore> => openLocalStore({ dir, reserveBytes });

  it('follows a large file with a thread, also when a chunk is written again behind it', async () => {
    const store = await opened(await folder());
    const artifact = await artifactOf(Buffer.alloc(70 * MIB, 'openward, '));
    const target = await store.open(artifact.layout);
    await target.write(0, new Uint8Array(artifact.layout.chunks[0]!.size));
    for (const index of artifact.layout.chunks.keys()) if (index > 0) await put(target, artifact, index);
    await target.sync();
    expect(await target.digest()).not.toBe(artifact.layout.manifest.file);
    await put(target, artifact, 0);
    await target.sync();
    expect(await target.digest()).toBe(artifact.layout.manifest.file);
    await target.close();
    const next = await store.open(artifact.layout);
    expect(next.done.size).toBe(artifact.layout.chunks.length);
    expect(await next.digest()).toBe(artifact.layout.manifest.file);
    expect(await store.verify(artifact.layout.manifest.file)).toBe(false);
    await next.commit();
    expect(await store.verify(artifact.layout.manifest.file)).toBe(true);
  });

  it('does not take a chunk from a file that was damaged since, and says so of the file', async () => {
    const dir = await folder();
    const store = await opened(dir);
    const artifact = await artifactOf(patterned(2 * CHUNK_SIZE, 5));
    const path = await fill(store, artifact);
    const handle = await open(path, 'r+');
    await handle.write(Uint8Array.of(1, 2, 3), 0, 3, 100);
    await handle.close();
    expect(await store.findChunk(artifact.layout.chunks[0]!.digest)).toBeUndefined();
    expect(await store.findChunk(artifact.layout.chunks[1]!.digest)).toBeDefined();
    expect(await store.verify(artifact.layout.manifest.file)).toBe(false);
    await store.remove(artifact.layout.manifest.file);
    expect(await store.find(artifact.layout.manifest.file)).toBeUndefined();
  });

  it('goes on behind a torn end of the journal', async () => {
    const dir = await folder();
    const store = await opened(dir);
    const artifact = await artifactOf(patterned(4 * CHUNK_SIZE, 5));
    const target = await store.open(artifact.layout);
    await put(target, artifact, 0);
    await target.sync();
    await target.close();
    await appendFile(pathOf(join(dir, 'partial'), artifact.layout.digest, '.journal'), 'c0ffee +1-');
    const next = await store.open(artifact.layout);
    expect(next.done).toEqual(new Set([0]));
    await put(next, artifact, 3);
    await next.sync();
    await next.close();
    const last = await store.open(artifact.layout);
    expect(last.done).toEqual(new Set([0, 3]));
    await last.close();
  });

  it('holds nothing as done when the partial file is gone', async () => {
    const dir = await folder();
    const store = await opened(dir);
    const artifact = await artifactOf(patterned(1000, 5));
    const target = await store.open(artifact.layout);
    await put(target, artifact, 0);
    await target.sync();
    await expect(store.open(artifact.layout)).rejects.toThrow('being fetched already');
    await target.close();
    await rm(pathOf(join(dir, 'partial'), artifact.layout.digest, '.part'));
    const next = await store.open(artifact.layout);
    expect(next.done.size).toBe(0);
    await next.close();
  });

  it('removes when it opens what a crash left: a piece without a name, a journal without its file', async () => {
    const dir = await folder();
    await opened(dir);
    await writeFile(join(dir, 'pieces', `${hexOf(digestOfBytes('x'))}.17.1`), 'half');
    await writeFile(join(dir, 'partial', `${hexOf(digestOfBytes('x'))}.journal`), '');
    await opened(dir);
    expect(await readdir(join(dir, 'pieces'))).toEqual([]);
    expect(await readdir(join(dir, 'partial'))).toEqual([]);
  });

  it('N7 keeps a reserve, gives it up, and takes it back', async () => {
    const dir = await folder();
    const store = await opened(dir, 3 * MIB + 5);
    const { size, blocks } = await stat(join(dir, 'reserve'));
    expect(size).toBe(3 * MIB + 5);
    expect(blocks * 512).toBeGreaterThanOrEqual(3 * MIB);
    await store.releaseReserve();
    await store.releaseReserve();
    expect(await readdir(dir)).not.toContain('reserve');
    expect(await store.restoreReserve()).toBe(true);
    expect([hasReserve(dir), giveUpReserve(dir), hasReserve(dir), giveUpReserve(dir)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(await store.restoreReserve()).toBe(true);
    await truncate(join(dir, 'reserve'), 7);
    await opened(dir, 3 * MIB + 5);
    expect((await stat(join(dir, 'reserve'))).size).toBe(3 * MIB + 5);
    expect(await store.freeSpace()).toBeGreaterThan(0);
    const greedy = await opened(await folder(), Number.MAX_SAFE_INTEGER);
    expect(await greedy.restoreReserve()).toBe(false);
  });

  it('N7 refuses diskFull, keeps what was synced, and counts a failed sync as not done', async () => {
    const dir = await folder();
    const store = await opened(dir);
    const artifact = await artifactOf(patterned(3 * CHUNK_SIZE, 5));
    const target = await store.open(artifact.layout);
    await put(target, artifact, 0);
    await target.sync();
    const handle = await open(join(dir, 'x'), 'w');
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const noSpace = (): Promise<never> => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    const write = vi.spyOn(prototype, 'writev').mockImplementation(noSpace);
    await expect(put(target, artifact, 1)).rejects.toMatchObject({ code: 'diskFull' });
    write.mockRestore();
    await put(target, artifact, 1);
    const sync = vi.spyOn(prototype, 'datasync').mockImplementation(noSpace);
    await expect(target.sync()).rejects.toMatchObject({ code: 'diskFull' });
    sync.mockRestore();
    await target.sync();
    expect(target.done).toEqual(new Set([0]));
    const piece = vi.spyOn(prototype, 'writeFile').mockImplementation(noSpace);
    const { digest, bytes } = artifact.manifest;
    await expect(store.writePiece(digest, bytes)).rejects.toMatchObject({ code: 'diskFull' });
    piece.mockRestore();
    expect(await readdir(join(dir, 'pieces'))).toEqual([]);
    await target.close();
  });

  it('reclaims what nothing keeps, and nothing of what is kept or being fetched', async () => {
    const dir = await folder();
    const store = await opened(dir);
    const [old, lastGood, next, half] = await Promise.all(
      [1, 2, 3, 4].map((seed) => artifactOf(patterned(2 * CHUNK_SIZE, seed * 2 + 1))),
    );
    for (const one of [old!, lastGood!]) await fill(store, one);
    await writeFile(join(dir, 'files', 'not-a-digest'), 'x');
    const targets: TargetFile[] = [];
    for (const one of [next!, half!]) {
      for (const piece of [one.manifest, ...one.lists]) await store.writePiece(piece.digest, piece.bytes);
      const target = await store.open(one.layout);
      await put(target, one, 0);
      await target.sync();
      targets.push(target);
    }
    await targets[1]!.close();
    const freed = await store.reclaim(new Set([lastGood!.layout.manifest.file]));
    expect(freed).toBeGreaterThan(2 * CHUNK_SIZE);
    expect(await store.find(old!.layout.manifest.file)).toBeUndefined();
    expect(await store.find(lastGood!.layout.manifest.file)).toBeDefined();
    expect(await readdir(join(dir, 'partial'))).toEqual(
      ['.journal', '.part'].map((suffix) => `${hexOf(next!.layout.digest)}${suffix}`),
    );
    expect(await readdir(join(dir, 'files'))).toEqual([hexOf(lastGood!.layout.manifest.file)]);
    const pieces = [lastGood!, next!].flatMap((one) =>
      [one.manifest, ...one.lists].map((piece) => hexOf(piece.digest)),
    );
    expect((await readdir(join(dir, 'pieces'))).toSorted()).toEqual(pieces.toSorted());
    expect(await store.findChunk(lastGood!.layout.chunks[0]!.digest)).toBeDefined();
    expect(await store.reclaim(new Set([lastGood!.layout.digest]))).toBe(0);
    expect(await readFile((await store.find(lastGood!.layout.manifest.file))!)).toEqual(Buffer.from(lastGood!.bytes));
    await targets[0]!.close();
  });

  it('never leaves its folder, whatever it is asked for', async () => {
    const dir = await folder();
    const store = await opened(dir);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom('../../x', `sha256:${'../'.repeat(21)}a`, 'sha256:', '/')),
        async (name) => {
          await expect(store.find(name)).rejects.toThrow('is a whole digest');
          expect(() => pathOf(dir, name)).toThrow('is a whole digest');
        },
      ),
    );
  });
});
