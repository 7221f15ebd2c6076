import { type Digest, digestOfBytes } from '@openward/contracts';
import { type BuiltArtifact, buildManifest, refOf } from './manifest.ts';
import type { ChunkSource, Link, PlacedChunk, Refill, TransferResult } from './ports.ts';
import { type SimulatedDisk, simulatedStore } from './simulated-store.fixture.ts';
import type { Life, World } from './simulated-world.fixture.ts';
import { transfer } from './transfer.driver.ts';

// A transfer in virtual time: small artifacts, the stream that has them, and the way to it with all its faults.

export const CHUNK = 1024;
export const SYNC = 8 * CHUNK;
export const RESERVE = 4 * CHUNK;
const NO_LIMIT: Link = { bytesPerSecond: () => undefined, roundTripMs: () => 1 };

export interface Made extends Omit<BuiltArtifact, 'gguf'> {
  readonly bytes: Uint8Array;
}

/** A file of chunks of all sizes up to `CHUNK`, some of them twice; `like` shares its first half. */
export function makeArtifact(world: World, count: number, like?: Made): Made {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i += 1) {
    const shared = like?.layout.chunks[i];
    if (like && shared && i < count / 2) parts.push(like.bytes.slice(shared.offset, shared.offset + shared.size));
    else if (parts.length > 2 && world.chance() < 0.05) parts.push(parts[world.between(0, parts.length)]!);
    else parts.push(Uint8Array.from({ length: world.between(1, CHUNK + 1) }, () => world.between(0, 256)));
  }
  const bytes = new Uint8Array(Buffer.concat(parts));
  let offset = 0;
  const chunks = parts.map((part): PlacedChunk => {
    const chunk = { digest: digestOfBytes(part), size: part.length, offset };
    offset += part.length;
    return chunk;
  });
  return { ...buildManifest('document', digestOfBytes(bytes), chunks), bytes };
}

/** The stream and the way to it, with everything that can go wrong on both. */
export class Network {
  readonly pieces = new Map<Digest, Uint8Array>();
  readonly stream = new Map<Digest, Uint8Array>();
  readonly inFlight: number[] = [];
  readonly asked: number[] = [];
  bytes = 0;
  requests = 0;
  isCut = false;
  loses = 0;
  corrupts = 0;
  #now = 0;

  publish(...artifacts: Made[]): void {
    for (const { bytes, layout, lists, manifest } of artifacts) {
      for (const { digest, offset, size } of layout.chunks) this.pieces.set(digest, bytes.slice(offset, offset + size));
      for (const piece of [manifest, ...lists]) this.pieces.set(piece.digest, piece.bytes);
    }
    for (const [digest, bytes] of this.pieces) this.stream.set(digest, bytes);
  }

  source(life: Life, roundTripMs: () => number): ChunkSource {
    const { world } = life;
    return {
      get: (_family, digest, { timeoutMs, signal }) => {
        life.onStep();
        this.requests += 1;
        this.#now += 1;
        this.inFlight.push(this.#now);
        const lost = (): never => {
          this.#now -= 1;
          throw new Error('timeout');
        };
        if (this.isCut) return life.answer(world.between(0, 5), lost, signal);
        if (world.chance() < this.loses) return life.answer(timeoutMs, lost, signal);
        return life.answer(
          roundTripMs(),
          () => {
            this.#now -= 1;
            const bytes = this.stream.get(digest);
            if (!bytes) return 'missing';
            this.bytes += bytes.length;
            if (world.chance() >= this.corrupts) return bytes;
            const all = [...this.stream.values()];
            const other =
              world.chance() < 0.5 ? all[world.between(0, all.length)]! : Uint8Array.from(bytes, (b) => b ^ 1);
            return world.chance() < 0.3 ? bytes.subarray(1) : other;
          },
          signal,
        );
      },
    };
  }

  refill(life: Life): Refill {
    const { world } = life;
    return {
      ask: (_family, _manifest, digests) => {
        life.onStep();
        this.asked.push(digests.length);
        return life.answer(world.between(1, 50), () => {
          if (this.isCut || world.chance() < this.loses) throw new Error('no answer');
          for (const digest of digests) this.stream.set(digest, this.pieces.get(digest)!);
          return { retryAfterMs: world.between(0, 500) };
        });
      },
    };
  }
}

export interface Run {
  readonly result: TransferResult | undefined;
  readonly error: unknown;
}

/** Starts the transfer in a new life; `run` is filled in when it ends. */
export function start(
  world: World,
  life: Life,
  network: Network,
  disk: SimulatedDisk,
  artifact: Made,
  more: object = {},
): { run?: Run } {
  const out: { run?: Run } = {};
  const ports = {
    clock: world.clock(),
    timers: life.timers(),
    random: world.random(),
    source: network.source(life, () => world.between(1, 40)),
    refill: network.refill(life),
    store: simulatedStore(disk, life),
  };
  const request = { artifact: refOf(artifact.layout, 'nano'), link: NO_LIMIT, ...more };
  void transfer(ports, request, { syncBytes: SYNC }).then(
    (result) => {
      out.run = { result, error: undefined };
    },
    (error: unknown) => {
      out.run = { result: undefined, error };
    },
  );
  return out;
}
