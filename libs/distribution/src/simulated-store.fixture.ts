import { type Digest, digestOfBytes, Refusal } from '@openward/contracts';
import { readLayout } from './manifest.ts';
import type { ArtifactLayout, LocalStore, TargetFile } from './ports.ts';

/** What a simulated disk needs of the world around it: chance from a seed. */
export interface DiskChance {
  /** In [0, 1). */
  chance(): number;
  between(from: number, to: number): number;
}

/** One run of the machine. After its end no call is ever answered. */
export interface DiskLife {
  readonly world: DiskChance;
  /** Called at each step: a good moment to die. */
  readonly onStep: () => void;
  answer<T>(delay: number, value: () => T): Promise<T>;
}

interface Part {
  readonly data: Uint8Array;
  /** Durable, as the journal says. */
  readonly done: Set<number>;
  /** Written and not synced, with what stood there before: a crash keeps each or not. */
  readonly loose: { readonly offset: number; readonly before: Uint8Array; readonly index: number }[];
}

/** A node's disk. It outlives its machine's lives, and knows what of it was synced. */
export class SimulatedDisk {
  readonly files = new Map<Digest, Uint8Array>();
  readonly pieces = new Map<Digest, Uint8Array>();
  readonly parts = new Map<Digest, Part>();
  capacity: number;
  readonly reserveBytes: number;
  hasReserve = true;
  readonly #world: DiskChance;

  constructor(world: DiskChance, capacity: number, reserveBytes: number) {
    this.#world = world;
    this.capacity = capacity;
    this.reserveBytes = reserveBytes;
  }

  get used(): number {
    let used = this.hasReserve ? this.reserveBytes : 0;
    for (const bytes of [...this.files.values(), ...this.pieces.values()]) used += bytes.length;
    for (const { data } of this.parts.values()) used += data.length;
    return used;
  }

  get free(): number {
    return this.capacity - this.used;
  }

  /** What was not synced is kept, lost or torn, each by chance. */
  crash(): void {
    for (const part of this.parts.values()) {
      for (const { offset, before } of part.loose.splice(0).reverse()) {
        const lost = this.#world.chance();
        if (lost < 0.6) part.data.set(lost < 0.4 ? before : before.subarray(0, before.length >> 1), offset);
      }
    }
  }

  /** A byte of a partial or a whole file changes. */
  rot(): void {
    const all = [...[...this.parts.values()].map((part) => part.data), ...this.files.values()];
    const data = all[this.#world.between(0, all.length)];
    if (data && data.length > 0) data[this.#world.between(0, data.length)]! ^= 255;
  }
}

/** The node's store in one life of its machine. */
export function simulatedStore(disk: SimulatedDisk, life: DiskLife): LocalStore {
  const { world } = life;
  const soon = <T>(value: () => T): Promise<T> => {
    life.onStep();
    return life.answer(world.chance() * 3, value);
  };
  const slow = <T>(value: () => T): Promise<T> => {
    life.onStep();
    return life.answer(1 + world.chance() * 20, value);
  };
  const full = (): Refusal => new Refusal('diskFull', 'There is no space left on the simulated disk.');
  const layouts = new Map<Digest, ArtifactLayout | undefined>();
  const layoutOf = async (piece: Digest): Promise<ArtifactLayout | undefined> => {
    if (layouts.has(piece)) return layouts.get(piece);
    try {
      const layout = await readLayout(piece, async (one) => disk.pieces.get(one));
      if ('missing' in layout) return undefined;
      layouts.set(piece, layout);
      return layout;
    } catch {
      // A list, which is no manifest.
      layouts.set(piece, undefined);
      return undefined;
    }
  };
  const index = async (digest: Digest): Promise<Uint8Array | undefined> => {
    for (const piece of disk.pieces.keys()) {
      const layout = await layoutOf(piece);
      const bytes = layout && disk.files.get(layout.manifest.file);
      const chunk = bytes && layout.chunks.find((one) => one.digest === digest);
      if (chunk) return bytes.slice(chunk.offset, chunk.offset + chunk.size);
    }
    return undefined;
  };
  /** The digests of all that belongs to the artifacts whose file or manifest is named. */
  const artifactsOf = async (keep: ReadonlySet<Digest>): Promise<ReadonlySet<Digest>> => {
    const kept = new Set(keep);
    for (const piece of disk.pieces.keys()) {
      const layout = await layoutOf(piece);
      if (!layout || (!keep.has(piece) && !keep.has(layout.manifest.file))) continue;
      for (const digest of [piece, layout.manifest.file]) kept.add(digest);
      for (const list of layout.manifest.lists) kept.add(list.digest);
    }
    return kept;
  };
  const keepOnly = (kept: ReadonlySet<Digest>): Promise<number> =>
    soon(() => {
      const before = disk.free;
      for (const stored of [disk.files, disk.pieces, disk.parts]) {
        for (const digest of stored.keys()) if (!kept.has(digest)) stored.delete(digest);
      }
      return disk.free - before;
    });
  return {
    find: (file) => soon(() => (disk.files.has(file) ? file : undefined)),
    readPiece: (digest) => soon(() => disk.pieces.get(digest)),
    writePiece: (digest, bytes) =>
      slow(() => {
        if (digestOfBytes(bytes) !== digest) throw new Error('a piece of other bytes');
        if (disk.free < bytes.length) throw full();
        disk.pieces.set(digest, bytes);
      }),
    open: (layout) =>
      slow(() => {
        const { digest, manifest } = layout;
        if (!disk.parts.has(digest)) {
          disk.parts.set(digest, { data: new Uint8Array(manifest.size), done: new Set(), loose: [] });
        }
        return simulatedTarget(disk, life, layout, slow, soon, full);
      }),
    findChunk: async (digest) => {
      const bytes = await index(digest);
      return soon(() => (bytes && digestOfBytes(bytes) === digest ? bytes : undefined));
    },
    freeSpace: () => soon(() => disk.free + [...disk.parts.values()].reduce((sum, part) => sum + holes(part), 0)),
    releaseReserve: () =>
      slow(() => {
        disk.hasReserve = false;
      }),
    restoreReserve: () =>
      slow(() => {
        if (!disk.hasReserve && disk.free < disk.reserveBytes) return false;
        disk.hasReserve = true;
        return true;
      }),
    reclaim: async (keep) => keepOnly(await artifactsOf(keep)),
  };
}

/** Here a partial file takes its whole room at once, so what it has not yet written is still free to itself. */
const holes = ({ data, done }: Part): number => (done.size === 0 ? data.length : 0);

function simulatedTarget(
  disk: SimulatedDisk,
  life: DiskLife,
  { digest, manifest, chunks }: ArtifactLayout,
  slow: <T>(value: () => T) => Promise<T>,
  soon: <T>(value: () => T) => Promise<T>,
  full: () => Refusal,
): TargetFile {
  const part = disk.parts.get(digest)!;
  const done = new Set(part.done);
  let verified = false;
  return {
    done,
    write: (index, bytes) =>
      soon(() => {
        if (disk.free < 0) throw full();
        const { offset, size } = chunks[index]!;
        if (bytes.length !== size) throw new Error('a chunk of another size');
        part.loose.push({ index, offset, before: part.data.slice(offset, offset + size) });
        part.data.set(bytes, offset);
        verified = false;
      }),
    read: (index) => soon(() => part.data.slice(chunks[index]!.offset, chunks[index]!.offset + chunks[index]!.size)),
    sync: () => {
      const before = part.loose.length;
      return slow(() => {
        if (disk.free < 0) throw full();
        for (const { index } of part.loose.splice(0, before)) {
          part.done.add(index);
          done.add(index);
        }
      });
    },
    forget: (indices) =>
      slow(() => {
        for (const index of indices) {
          part.done.delete(index);
          done.delete(index);
        }
      }),
    digest: () =>
      slow(() => {
        const found = digestOfBytes(part.data);
        verified = found === manifest.file;
        return found;
      }),
    commit: () =>
      slow(() => {
        if (!verified) throw new Error('a file gets its name only after its digest was found right');
        if (part.loose.length > 0) throw new Error('a file gets its name only when it is synced');
        disk.parts.delete(digest);
        disk.files.set(manifest.file, part.data);
        return manifest.file;
      }),
    close: () => soon(() => undefined),
    discard: () =>
      slow(() => {
        disk.parts.delete(digest);
      }),
  };
}
