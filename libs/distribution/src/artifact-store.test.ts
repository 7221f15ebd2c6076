import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_SIZE, type Digest, digestOfBytes, MAX_LIST_BYTES } from '@openward/contracts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryStore } from './artifact-store.ts';
import { openDirectoryStore } from './directory-store.fs.ts';
import { buildGguf, smallModel } from './gguf-builder.fixture.ts';
import { type BuiltArtifact, describeArtifact, refOf } from './manifest.ts';
import type { ArtifactStore, StoredPiece } from './ports.ts';
import { verifyStored } from './registered.ts';
import { decideRemoval, GRACE_MS, nameAll, sweep } from './removal.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

const HOUR = 60 * 60 * 1000;
const clockAt = (start: number) => {
  let now = start;
  return { wall: () => now, monotonic: () => now, pass: (ms: number) => (now += ms) };
};
let drawn = 0;
const random = { bytes: (length: number) => new Uint8Array(length).fill((drawn += 1)) };
const folders: string[] = [];
const folder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'openward-store-'));
  folders.push(dir);
  return dir;
};
afterEach(async () => {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true });
});

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const piece = (text: string): [Digest, Uint8Array] => [digestOfBytes(text), bytesOf(text)];
async function* streamed(bytes: Uint8Array, step = 3): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}
const listed = async (store: ArtifactStore): Promise<StoredPiece[]> => {
  const all: StoredPiece[] = [];
  for await (const one of store.list()) all.push(one);
  return all;
};

type Made = { store: ArtifactStore; clock: ReturnType<typeof clockAt> };
const makers: [string, (quotaBytes: number) => Promise<Made>][] = [
  [
    'in memory',
    async (quotaBytes) => {
      const clock = clockAt(1_800_000_000_000);
      return { store: createMemoryStore({ quotaBytes, clock }), clock };
    },
  ],
  [
    'in a directory',
    async (quotaBytes) => {
      const clock = clockAt(1_800_000_000_000);
      return { store: await openDirectoryStore({ dir: await folder(), quotaBytes, clock, random }), clock };
    },
  ],
];

describe.each(makers)('D1 an artifact store %s', (_, make) => {
  it('gives back what was put, whole or streamed, and says whether it was new', async () => {
    const { store } = await make(1000);
    const [digest, bytes] = piece('a chunk');
    expect(await store.get(digest)).toBeUndefined();
    expect(await store.put(digest, streamed(bytes))).toBe(true);
    expect(await store.put(digest, bytes)).toBe(false);
    expect(Buffer.from((await store.get(digest))!)).toEqual(Buffer.from(bytes));
    expect(await store.has([digest, digestOfBytes('other')])).toEqual(new Set([digest]));
  });

  it('refuses other bytes than announced, and keeps nothing of them', async () => {
    const { store } = await make(1000);
    const [digest] = piece('announced');
    await expect(store.put(digest, streamed(bytesOf('sent')))).rejects.toMatchObject({ code: 'digestMismatch' });
    expect(await listed(store)).toEqual([]);
  });

  it('refuses a piece above the most without reading on', async () => {
    const { store } = await make(1e9);
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += CHUNK_SIZE;
        yield new Uint8Array(CHUNK_SIZE);
      }
    }
    await expect(store.put(digestOfBytes('x'), endless())).rejects.toMatchObject({ code: 'bodyTooLarge' });
    expect(sent).toBeLessThanOrEqual(MAX_LIST_BYTES + CHUNK_SIZE);
    expect(await listed(store)).toEqual([]);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const { store } = await make(1000);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytesOf('a ');
      throw new Error('the client went away');
    }
    await expect(store.put(digestOfBytes('a chunk'), broken())).rejects.toThrow('went away');
    expect(await listed(store)).toEqual([]);
  });

  it('refuses with 507 what is above the quota, and takes it when there is room', async () => {
    const { store } = await make(10);
    await store.put(...piece('12345678'));
    await expect(store.put(...piece('abc'))).rejects.toMatchObject({ code: 'quotaExceeded', status: 507 });
    expect(await store.put(...piece('12345678'))).toBe(false);
    expect(await store.usage()).toEqual({ bytes: 8, quotaBytes: 10 });
    expect(await store.delete(digestOfBytes('12345678'))).toBe(true);
    expect(await store.put(...piece('abc'))).toBe(true);
  });

  it('D7 tells when each piece was last uploaded or claimed, and does not delete one that is younger', async () => {
    const { store, clock } = await make(1000);
    const start = clock.wall();
    await store.put(...piece('old'));
    await store.put(...piece('claimed'));
    await store.put(...piece('again'));
    clock.pass(HOUR);
    expect(await store.claim([digestOfBytes('claimed'), digestOfBytes('absent')])).toEqual(
      new Set([digestOfBytes('claimed')]),
    );
    await store.put(...piece('again'));
    const ages = new Map((await listed(store)).map(({ digest, storedAt }) => [digest, storedAt]));
    expect(ages).toEqual(
      new Map([
        [digestOfBytes('old'), start],
        [digestOfBytes('claimed'), start + HOUR],
        [digestOfBytes('again'), start + HOUR],
      ]),
    );
    expect(await store.delete(digestOfBytes('claimed'), start + HOUR)).toBe(false);
    expect(await store.delete(digestOfBytes('old'), start + HOUR)).toBe(true);
    expect(await store.delete(digestOfBytes('absent'))).toBe(false);
    expect((await listed(store)).length).toBe(2);
  });

  it('D7 keeps what a version names and what a day has not passed over', async () => {
    const { store, clock } = await make(1e6);
    const built = await pushed(store, buildGguf(smallModel()));
    await store.put(...piece('a chunk of an upload that was given up'));
    clock.pass(GRACE_MS - 1);
    expect(await sweep(store, [built.layout.digest], clock.wall())).toBe(0);
    await store.put(...piece('a chunk of an upload that goes on'));
    clock.pass(1);
    expect(await sweep(store, [built.layout.digest], clock.wall())).toBe(38);
    expect((await verifyStored(store, refOf(built.layout, 'nano'))).layout).toEqual(built.layout);
    clock.pass(2 * GRACE_MS);
    await sweep(store, [], clock.wall());
    expect(await listed(store)).toEqual([]);
  });

  it('D7 sweeps nothing while a manifest that is kept cannot be read', async () => {
    const { store, clock } = await make(1e6);
    const built = await pushed(store, buildGguf(smallModel()));
    await store.delete(built.lists[0]!.digest);
    clock.pass(2 * GRACE_MS);
    await expect(sweep(store, [built.layout.digest], clock.wall())).rejects.toThrow('nothing may be removed');
    expect((await listed(store)).length).toBeGreaterThan(3);
  });

  it('D1 registers a version only when every chunk is there and it is what it says', async () => {
    const { store } = await make(1e6);
    const model = buildGguf(smallModel());
    const built = await pushed(store, model);
    const ref = refOf(built.layout, 'nano');
    expect((await verifyStored(store, ref)).gguf?.metadata.name).toBe('small');
    await expect(verifyStored(store, { ...ref, size: 1 })).rejects.toMatchObject({ code: 'digestMismatch' });
    const gone = built.layout.chunks.at(-1)!.digest;
    await store.delete(gone);
    await expect(verifyStored(store, ref)).rejects.toMatchObject({
      code: 'chunkMissing',
      details: { missing: [gone] },
    });
    const text = await pushed(store, bytesOf('a text'), 'document');
    const posing = { ...text.layout.manifest, kind: 'gguf' as const };
    const [digest, bytes] = piece(JSON.stringify(posing));
    await store.put(digest, bytes);
    await expect(verifyStored(store, { ...refOf(text.layout, 'nano'), manifest: digest })).rejects.toMatchObject({
      code: 'notGguf',
    });
  });
});

async function pushed(
  store: ArtifactStore,
  bytes: Uint8Array,
  kind: 'gguf' | 'document' = 'gguf',
): Promise<BuiltArtifact> {
  const source = { size: bytes.length, read: async (at: number, n: number) => bytes.subarray(at, at + n) };
  const built = await describeArtifact(source, kind, async (chunk, part) => {
    await store.put(chunk.digest, part);
  });
  for (const { digest, bytes: part } of [built.manifest, ...built.lists]) await store.put(digest, part);
  return built;
}

describe('D7 the decision what to remove', () => {
  it('takes neither what is named nor what is younger than a day, and what is from the future least of all', () => {
    const at = (text: string, storedAt: number): StoredPiece => ({ digest: digestOfBytes(text), bytes: 5, storedAt });
    const now = 100 * GRACE_MS;
    const stored = [
      at('named', 0),
      at('old', now - GRACE_MS),
      at('young', now - GRACE_MS + 1),
      at('future', now + HOUR),
    ];
    const { remove, freedBytes } = decideRemoval(stored, new Set([digestOfBytes('named')]), now);
    expect(remove).toEqual([stored[1]]);
    expect(freedBytes).toBe(5);
  });

  it('names the manifest, its lists and its chunks', async () => {
    const { store } = await makers[0]![1](1e6);
    const built = await pushed(store, buildGguf(smallModel()));
    expect(await nameAll(store, [built.layout.digest])).toEqual(
      new Set((await listed(store)).map((one) => one.digest)),
    );
  });
});

describe('D1 a directory that replicas share', () => {
  const open = async (dir: string, clock = clockAt(1_800_000_000_000)): Promise<ArtifactStore> =>
    openDirectoryStore({ dir, quotaBytes: 1000, clock, random });

  it('shows each replica what another put, and counts it within a minute', async () => {
    const dir = await folder();
    const clock = clockAt(1_800_000_000_000);
    const [a, b] = [await open(dir, clock), await open(dir, clock)];
    expect(await b.usage()).toMatchObject({ bytes: 0 });
    await a.put(...piece('x'.repeat(900)));
    expect(await b.get(digestOfBytes('x'.repeat(900)))).toBeDefined();
    clock.pass(60_000);
    await expect(b.put(...piece('y'.repeat(200)))).rejects.toMatchObject({ code: 'quotaExceeded' });
    await a.delete(digestOfBytes('x'.repeat(900)));
    expect(await b.put(...piece('y'.repeat(200)))).toBe(true);
  });

  it('D7 removes a piece that is damaged, so that it is filled in again', async () => {
    const dir = await folder();
    const store = await open(dir);
    const [digest, bytes] = piece('a chunk');
    await store.put(digest, bytes);
    await truncate(join(dir, digest.slice(7, 9), digest.slice(7)), 3);
    expect(await store.get(digest)).toBeUndefined();
    expect(await store.has([digest])).toEqual(new Set());
    expect(await store.put(digest, bytes)).toBe(true);
  });

  it('forgets what a killed replica left under way, after a day', async () => {
    const dir = await folder();
    await open(dir);
    await writeFile(join(dir, 'tmp', 'left'), 'half a chunk');
    await open(dir, clockAt(Date.now() + GRACE_MS / 2));
    expect(await readdir(join(dir, 'tmp'))).toEqual(['left']);
    await open(dir, clockAt(Date.now() + 2 * GRACE_MS));
    expect(await readdir(join(dir, 'tmp'))).toEqual([]);
  });

  it('builds no path from what is no digest', async () => {
    const store = await open(await folder());
    for (const name of ['../../etc/passwd', 'sha256:../x', `sha256:${'A'.repeat(64)}`, `sha256:${'a'.repeat(63)}/`]) {
      await expect(store.get(name)).rejects.toThrow('is a whole digest');
      await expect(store.put(name, bytesOf('x'))).rejects.toThrow('is a whole digest');
      await expect(store.delete(name)).rejects.toThrow('is a whole digest');
    }
  });
});
