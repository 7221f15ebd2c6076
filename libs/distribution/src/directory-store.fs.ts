import { opendir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Digest, digestOfBytes, type Random } from '@openward/contracts';
import { collectPiece, overQuota } from './artifact-store.ts';
import { asRefusal, digestOfName, hexOf, makeFolder, syncFolder, unlessMissing, writeDurably } from './durable.fs.ts';
import type { ArtifactStore, StoredPiece } from './ports.ts';

// The artifact store as a directory that all replicas share (D1). A piece is a file named by its digest, in one of 256
// folders; its time of change is when it was last uploaded or claimed. What is under way stands in `tmp`, beside them.

export interface DirectoryStoreOptions {
  readonly dir: string;
  readonly quotaBytes: number;
  readonly clock: Clock;
  /** For names in `tmp` that no other replica has. */
  readonly random: Random;
}

/** How old the count of stored bytes may be: what other replicas stored since can exceed the quota by that much. */
const RECOUNT_MS = 60_000;
/** What a replica that was killed left in `tmp`. */
const STALE_MS = 24 * 60 * 60 * 1000;
const AT_ONCE = 32;

/** Calls `work` for each, at most `AT_ONCE` at a time. */
async function forEach<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const worker = async (): Promise<void> => {
    for (let one = rest.pop(); one !== undefined; one = rest.pop()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<ArtifactStore> {
  const { dir, quotaBytes, clock, random } = options;
  const tmp = join(dir, 'tmp');
  const shards = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
  await forEach([tmp, ...shards.map((shard) => join(dir, shard))], makeFolder);
  await syncFolder(dir);

  const placeOf = (digest: Digest): string => join(dir, hexOf(digest).slice(0, 2), hexOf(digest));
  const beside = (): string => join(tmp, Buffer.from(random.bytes(16)).toString('hex'));
  const touch = async (digest: Digest): Promise<boolean> => {
    const now = clock.wall() / 1000;
    return (await unlessMissing(utimes(placeOf(digest), now, now).then(() => true))) ?? false;
  };

  async function* list(): AsyncGenerator<StoredPiece> {
    for (const shard of shards) {
      for await (const entry of await opendir(join(dir, shard))) {
        const digest = digestOfName(entry.name);
        if (digest === undefined) continue;
        const found = await unlessMissing(stat(placeOf(digest)));
        if (found) yield { digest, bytes: found.size, storedAt: found.mtimeMs };
      }
    }
  }

  const usage = createUsage(clock, list);
  await removeStale();

  async function removeStale(): Promise<void> {
    for await (const entry of await opendir(tmp)) {
      const found = await unlessMissing(stat(join(tmp, entry.name)));
      if (found && clock.wall() - found.mtimeMs > STALE_MS) await rm(join(tmp, entry.name), { force: true });
    }
  }

  return {
    async put(digest, body) {
      if (await touch(digest)) return false;
      const bytes = await collectPiece(digest, body);
      const done = await usage.reserve(bytes.length, quotaBytes);
      try {
        const path = placeOf(digest);
        await writeDurably(beside(), path, bytes);
        await touch(digest);
        done(true);
        return true;
      } catch (error) {
        done(false);
        throw asRefusal(error);
      }
    },
    async has(digests) {
      const present = new Set<Digest>();
      await forEach(digests, async (digest) => {
        if (await unlessMissing(stat(placeOf(digest)))) present.add(digest);
      });
      return present;
    },
    async claim(digests) {
      const present = new Set<Digest>();
      await forEach(digests, async (digest) => {
        if (await touch(digest)) present.add(digest);
      });
      return present;
    },
    async get(digest) {
      const bytes = await unlessMissing(readFile(placeOf(digest)));
      if (!bytes || digestOfBytes(bytes) === digest) return bytes;
      await rm(placeOf(digest), { force: true });
      return undefined;
    },
    async delete(digest, storedBefore = Number.POSITIVE_INFINITY) {
      // Out of the way first, then looked at: a claim that came before is seen, one that comes now finds nothing to claim.
      const aside = beside();
      const moved = await unlessMissing(rename(placeOf(digest), aside).then(() => true));
      if (!moved) return false;
      const { mtimeMs, size } = await stat(aside);
      if (mtimeMs >= storedBefore) {
        await rename(aside, placeOf(digest));
        return false;
      }
      await rm(aside);
      usage.freed(size);
      return true;
    },
    list,
    async usage() {
      return { bytes: await usage.count(), quotaBytes };
    },
  };
}

interface Usage {
  count(): Promise<number>;
  /** Holds room for a piece until the returned function says whether it was stored. Refuses `quotaExceeded`. */
  reserve(bytes: number, quotaBytes: number): Promise<(stored: boolean) => void>;
  freed(bytes: number): void;
}

/** Counts at first use, then itself, and again each minute and before it refuses, since other replicas store too. */
function createUsage(clock: Clock, list: () => AsyncIterable<StoredPiece>): Usage {
  let counted = 0;
  let held = 0;
  let countedAt: number | undefined;
  let counting: Promise<void> | undefined;
  const recount = async (): Promise<void> => {
    let sum = 0;
    for await (const piece of list()) sum += piece.bytes;
    counted = sum;
    countedAt = clock.monotonic();
  };
  const freshen = async (maxAge: number): Promise<void> => {
    if (countedAt !== undefined && clock.monotonic() - countedAt < maxAge) return;
    counting ??= recount().finally(() => (counting = undefined));
    await counting;
  };
  return {
    async count() {
      await freshen(RECOUNT_MS);
      return counted;
    },
    async reserve(bytes, quotaBytes) {
      await freshen(RECOUNT_MS);
      if (counted + held + bytes > quotaBytes) await freshen(0);
      if (counted + held + bytes > quotaBytes) throw overQuota(bytes, counted + held, quotaBytes);
      held += bytes;
      return (stored) => {
        held -= bytes;
        if (stored) counted += bytes;
      };
    },
    freed(bytes) {
      counted = Math.max(0, counted - bytes);
    },
  };
}
