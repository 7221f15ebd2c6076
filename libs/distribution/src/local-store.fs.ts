import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArtifactManifest, type Digest, digestOfBytes } from '@openward/contracts';
import {
  asRefusal,
  digestOfName,
  hexOf,
  makeFolder,
  pathOf,
  syncFolder,
  unlessMissing,
  writeDurably,
} from './durable.fs.ts';
import { readLayout } from './manifest.ts';
import type { LocalStore } from './ports.ts';
import { dropReserve, freeSpaceOf, makeReserve, reserveIn } from './reserve.fs.ts';
import { digestOfHandle, openTarget, readAll } from './target-file.fs.ts';

// The node's store, in a folder of its own under the data folder:
//
//   files/<file>                whole files, by their digest; nothing gets a name here before it was verified and synced
//   partial/<manifest>.part     what is being fetched, with holes, and .journal, which says what of it is durable
//   pieces/<digest>             manifests and lists, kept as long as their file
//   reserve                     64 MiB to give up when the disk is full (N7)

export interface LocalStoreOptions {
  readonly dir: string;
  /** 64 MiB when left out; 0 for none. */
  readonly reserveBytes?: number;
}

const RESERVE_BYTES = 64 * 1024 * 1024;

export interface NodeStore extends LocalStore {
  /** Reads the whole file again: false when it is gone or no longer what its name says. */
  verify(file: Digest, signal?: AbortSignal): Promise<boolean>;
  /** Removes one whole file, as when `verify` found it damaged. */
  remove(file: Digest): Promise<void>;
}

interface Place {
  readonly file: Digest;
  readonly offset: number;
  readonly size: number;
}

export async function openLocalStore(options: LocalStoreOptions): Promise<NodeStore> {
  const { dir, reserveBytes = RESERVE_BYTES } = options;
  const [files, partial, pieces] = ['files', 'partial', 'pieces'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const reserve = reserveIn(dir);
  for (const folder of [dir, files, partial, pieces]) await makeFolder(folder);
  await syncFolder(dir);
  await removeLeftovers();
  await restoreReserve();

  const openTargets = new Set<Digest>();
  let index: Promise<Map<Digest, Place>> | undefined;
  let written = 0;

  /** What a crash can leave: a piece that has no name yet, and a journal whose file has got its own. */
  async function removeLeftovers(): Promise<void> {
    for (const name of await readdir(pieces)) {
      if (digestOfName(name) === undefined) await rm(join(pieces, name), { force: true });
    }
    const parts = new Set(await readdir(partial));
    for (const name of parts) {
      const isOrphan = name.endsWith('.journal') && !parts.has(name.replace(/\.journal$/, '.part'));
      if (isOrphan) await rm(join(partial, name), { force: true });
    }
  }

  async function restoreReserve(): Promise<boolean> {
    return reserveBytes === 0 || makeReserve(reserve, reserveBytes);
  }

  async function readPiece(digest: Digest): Promise<Uint8Array | undefined> {
    const bytes = await unlessMissing(readFile(pathOf(pieces, digest)));
    return bytes && digestOfBytes(bytes) === digest ? bytes : undefined;
  }

  async function find(file: Digest): Promise<string | undefined> {
    const path = pathOf(files, file);
    return (await unlessMissing(stat(path))) ? path : undefined;
  }

  async function keptManifests(): Promise<Map<Digest, ArtifactManifest>> {
    const manifests = new Map<Digest, ArtifactManifest>();
    for (const name of await readdir(pieces)) {
      const digest = digestOfName(name);
      const bytes = digest && (await readPiece(digest));
      if (!digest || !bytes) continue;
      const parsed = ArtifactManifest.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      if (parsed.success) manifests.set(digest, parsed.data);
    }
    return manifests;
  }

  /** Where each chunk of the whole files stands. About 250 bytes for each. */
  async function indexChunks(): Promise<Map<Digest, Place>> {
    const places = new Map<Digest, Place>();
    for (const [digest, { file }] of await keptManifests()) {
      if ((await find(file)) === undefined) continue;
      const layout = await readLayout(digest, readPiece);
      if ('missing' in layout) continue;
      for (const chunk of layout.chunks) places.set(chunk.digest, { file, offset: chunk.offset, size: chunk.size });
    }
    return places;
  }

  async function readPlace({ file, offset, size }: Place): Promise<Uint8Array | undefined> {
    const handle = await unlessMissing(open(pathOf(files, file), 'r'));
    if (!handle) return undefined;
    try {
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, await readAll(handle, bytes, offset));
    } finally {
      await handle.close();
    }
  }

  /** Removes the path and gives how much room it took; a partial file takes less than its length. */
  async function removeCounted(path: string): Promise<number> {
    const found = await unlessMissing(stat(path));
    if (!found) return 0;
    await rm(path, { force: true });
    return Math.min(found.size, found.blocks * 512);
  }

  return {
    find,
    readPiece,
    async writePiece(digest, bytes) {
      if (digestOfBytes(bytes) !== digest) throw new Error(`the bytes of ${digest} are others`);
      if (await readPiece(digest)) return;
      written += 1;
      await writeDurably(`${pathOf(pieces, digest)}.${process.pid}.${written}`, pathOf(pieces, digest), bytes);
    },
    async open(layout) {
      if (openTargets.has(layout.digest)) throw new Error(`${layout.digest} is being fetched already`);
      const paths = {
        part: pathOf(partial, layout.digest, '.part'),
        journal: pathOf(partial, layout.digest, '.journal'),
        whole: pathOf(files, layout.manifest.file),
      };
      const onEnd = (): void => {
        openTargets.delete(layout.digest);
        index = undefined;
      };
      openTargets.add(layout.digest);
      try {
        return await openTarget(paths, layout, onEnd);
      } catch (error) {
        onEnd();
        throw error;
      }
    },
    async findChunk(digest) {
      index ??= indexChunks();
      const places = await index;
      const place = places.get(digest);
      const bytes = place && (await readPlace(place));
      if (bytes && digestOfBytes(bytes) === digest) return bytes;
      places.delete(digest);
      return undefined;
    },
    freeSpace: () => freeSpaceOf(dir),
    releaseReserve: () => dropReserve(reserve),
    restoreReserve,
    async verify(file, signal) {
      const handle = await unlessMissing(open(pathOf(files, file), 'r'));
      if (!handle) return false;
      try {
        return (await digestOfHandle(handle, signal)) === file;
      } finally {
        await handle.close();
      }
    },
    async remove(file) {
      index = undefined;
      await rm(pathOf(files, file), { force: true });
      await syncFolder(files);
    },
    async reclaim(keep) {
      const manifests = await keptManifests();
      const isKept = (digest: Digest): boolean => {
        const file = manifests.get(digest)?.file;
        return keep.has(digest) || (file !== undefined && keep.has(file)) || openTargets.has(digest);
      };
      const stay = new Set([...keep, ...openTargets].map(hexOf));
      for (const [digest, manifest] of manifests) {
        if (!isKept(digest)) continue;
        for (const kept of [digest, manifest.file, ...manifest.lists.map((list) => list.digest)]) stay.add(hexOf(kept));
      }
      let freed = 0;
      for (const folder of [files, partial, pieces]) {
        for (const name of await readdir(folder)) {
          if (!stay.has(name.replace(/\.(part|journal)$/, ''))) freed += await removeCounted(join(folder, name));
        }
        await syncFolder(folder).catch((error: unknown) => {
          throw asRefusal(error);
        });
      }
      index = undefined;
      return freed;
    },
  };
}
