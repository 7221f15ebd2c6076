import { type Digest, digestOfBytes, Refusal } from '@openward/contracts';
import { describe, expect, it, vi } from 'vitest';
import { type BuiltArtifact, buildManifest, refOf } from './manifest.ts';
import { LEAST_WINDOW, LOCAL_WINDOW, MOST_WINDOW } from './pace.ts';
import type { ChunkSource, Link, PlacedChunk, Refill, TransferResult, TransferState } from './ports.ts';
import { SimulatedDisk, simulatedStore } from './simulated-store.fixture.ts';
import { Life, World } from './simulated-world.fixture.ts';
import { transfer } from './transfer.driver.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

const CHUNK = 1024;
const SYNC = 8 * CHUNK;
const RESERVE = 4 * CHUNK;
const NO_LIMIT: Link = { bytesPerSecond: () => undefined, roundTripMs: () => 1 };

interface Made extends Omit<BuiltArtifact, 'gguf'> {
  readonly bytes: Uint8Array;
}

/** A file of chunks of all sizes up to `CHUNK`, some of them twice; `like` shares its first half. */
function makeArtifact(world: World, count: number, like?: Made): Made {
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
class Network {
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

interface Run {
  readonly result: TransferResult | undefined;
  readonly error: unknown;
}

/** Starts the transfer in a new life; `run` is filled in when it ends. */
function start(
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

/** A machine that dies near its durable steps until chaos ends, on a bad network and a bad disk. */
async function simulate(seed: number): Promise<string[]> {
  const world = new World(seed);
  const network = new Network();
  const earlier = makeArtifact(world, world.between(1, 40));
  const artifact = makeArtifact(world, world.between(1, 120), earlier);
  network.publish(earlier, artifact);
  const plenty = 64 * 1024 * 1024;
  const disk = new SimulatedDisk(world, plenty, RESERVE);
  if (world.chance() < 0.7) {
    disk.files.set(earlier.layout.manifest.file, Uint8Array.from(earlier.bytes));
    for (const piece of [earlier.manifest, ...earlier.lists]) disk.pieces.set(piece.digest, piece.bytes);
  }
  let chaos = true;
  let kills = 0;
  let out: { run?: Run } = {};
  let life = new Life(world);
  const boot = (): void => {
    life = new Life(world);
    const mine = life;
    let due = false;
    mine.onStep = () => {
      if (!chaos || due || world.chance() > 0.01) return;
      due = true;
      world.at(world.between(0, 30), () => {
        if (mine.isOver || out.run) return;
        mine.end();
        disk.crash();
        kills += 1;
        world.note('killed');
        world.at(world.between(1, 2000), boot);
      });
    };
    world.note('boots');
    out = start(world, mine, network, disk, artifact, { onState: ({ kind }: TransferState) => world.note(kind) });
  };
  const trouble = (): void => {
    if (!chaos) return;
    network.loses = world.chance() < 0.5 ? 0 : world.chance() * 0.1;
    network.corrupts = world.chance() < 0.5 ? 0 : world.chance() * 0.05;
    network.isCut = world.chance() < 0.2;
    if (world.chance() < 0.3)
      for (const digest of network.stream.keys()) if (world.chance() < 0.3) network.stream.delete(digest);
    disk.capacity = world.chance() < 0.2 ? disk.used - RESERVE : plenty;
    if (world.chance() < 0.05) disk.rot();
    world.at(world.between(5, 3000), trouble);
  };
  world.at(0, boot);
  world.at(0, trouble);
  world.at(60_000, () => {
    chaos = false;
    network.loses = 0;
    network.corrupts = 0;
    network.isCut = false;
    disk.capacity = plenty;
  });
  const { file } = artifact.layout.manifest;
  await world.run(() => {
    const whole = disk.files.get(file);
    if (whole && !out.run && digestOfBytes(whole) !== file)
      throw new Error(`seed ${seed}: a whole file of other bytes`);
    return out.run !== undefined;
  }, 600_000);
  if (!out.run) throw new Error(`seed ${seed}: not done at ${world.now}, after ${world.log.slice(-5).join('; ')}`);
  const { error } = out.run;
  const isGivenUp = error instanceof Refusal && error.code === 'digestMismatch';
  if (isGivenUp) world.note('given up');
  else if (error) throw error instanceof Error ? error : new Error('failed');
  else if (Buffer.compare(disk.files.get(file)!, artifact.bytes) !== 0) throw new Error(`seed ${seed}: another file`);
  world.note(`done after ${kills} kills, ${network.requests} requests, ${network.bytes} bytes`);
  return world.log;
}

describe('a transfer that is killed near any step, on a bad network and a bad disk', () => {
  it('ends with the right file, whatever the seed', async () => {
    const logs: string[][] = [];
    for (let seed = 1; seed <= 150; seed += 1) logs.push(await simulate(seed));
    const seen = (text: string): number => logs.filter((log) => log.some((line) => line.endsWith(text))).length;
    for (const state of ['killed', 'retrying', 'chunksMissing', 'noSpace', 'verifying']) {
      expect({ state, seeds: seen(state) }).toSatisfy(({ seeds }: { seeds: number }) => seeds > 10);
    }
    expect(seen('given up')).toBeLessThan(5);
  });

  it('is the same twice from one seed', async () => {
    for (const seed of [3, 14, 15]) expect(await simulate(seed)).toEqual(await simulate(seed));
  });
});

describe('D1 a transfer', () => {
  const setUp = (count = 60) => {
    const world = new World(7);
    const network = new Network();
    const artifact = makeArtifact(world, count);
    network.publish(artifact);
    const disk = new SimulatedDisk(world, 1 << 30, RESERVE);
    const life = new Life(world);
    const states: TransferState[] = [];
    const onState = (state: TransferState): void => void states.push(state);
    const until = async (out: { run?: Run }, ms = 1e7): Promise<Run> => {
      await world.run(() => out.run !== undefined, world.now + ms);
      if (!out.run) throw new Error(`not done: ${JSON.stringify(states.slice(-3))}`);
      return out.run;
    };
    return { world, network, artifact, disk, life, states, onState, until };
  };
  const distinctBytes = ({ layout }: Made): number =>
    [...new Map(layout.chunks.map(({ digest, size }) => [digest, size])).values()].reduce((a, b) => a + b, 0);

  it('brings each byte once, and tells its progress to the end', async () => {
    const { world, network, artifact, disk, life, until } = setUp();
    const progress: number[] = [];
    const onProgress = ({ doneBytes }: { doneBytes: number }): void => void progress.push(doneBytes);
    const { result } = await until(start(world, life, network, disk, artifact, { onProgress }));
    const overhead = [artifact.manifest, ...artifact.lists].reduce((sum, piece) => sum + piece.bytes.length, 0);
    expect(result).toMatchObject({ fetchedBytes: distinctBytes(artifact) + overhead, reusedBytes: 0 });
    expect(network.bytes).toBe(result!.fetchedBytes);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBe(artifact.bytes.length);
    const again = await until(start(world, life, network, disk, artifact));
    expect(again.result).toMatchObject({ fetchedBytes: 0, reusedBytes: artifact.bytes.length });
  });

  it('copies what an earlier file here has, and fetches the rest', async () => {
    const { world, network, artifact, disk, life, until } = setUp();
    await until(start(world, life, network, disk, artifact));
    const tune = makeArtifact(world, 80, artifact);
    network.publish(tune);
    const { result } = await until(start(world, life, network, disk, tune));
    const had = new Set(artifact.layout.chunks.map((chunk) => chunk.digest));
    const kept = tune.layout.chunks
      .filter((chunk) => had.has(chunk.digest))
      .reduce((sum, chunk) => sum + chunk.size, 0);
    expect(kept).toBeGreaterThan(10 * CHUNK);
    expect(result!.reusedBytes).toBe(kept);
  });

  it('fetches again at most two batches and a window after a kill at any step', async () => {
    for (let killAt = 1; killAt < 900; killAt += 23) {
      const { world, network, artifact, disk, life, until } = setUp(200);
      let steps = 0;
      life.onStep = () => {
        steps += 1;
        if (steps === killAt) world.at(1, () => life.end());
      };
      const out = start(world, life, network, disk, artifact);
      await world.run(() => life.isOver || out.run !== undefined, 1e6);
      disk.crash();
      const next = new Life(world);
      const { result } = await until(start(world, next, network, disk, artifact));
      const pieces = [artifact.manifest, ...artifact.lists].reduce((sum, piece) => sum + piece.bytes.length, 0);
      const twice = network.bytes - distinctBytes(artifact) - pieces;
      expect(twice, `killed at step ${killAt}`).toBeLessThanOrEqual(2 * SYNC + LOCAL_WINDOW * CHUNK + pieces);
      expect(Buffer.compare(disk.files.get(artifact.layout.manifest.file)!, artifact.bytes)).toBe(0);
      expect(result!.fetchedBytes + result!.reusedBytes).toBeGreaterThanOrEqual(distinctBytes(artifact));
    }
  });

  it('D5 asks for what the stream lacks, says that it waits for it, and goes on', async () => {
    const { world, network, artifact, disk, life, states, onState, until } = setUp(200);
    for (const digest of network.stream.keys()) if (digest !== artifact.layout.digest) network.stream.delete(digest);
    await until(start(world, life, network, disk, artifact, { onState }));
    expect(states.some(({ kind }) => kind === 'chunksMissing')).toBe(true);
    expect(Math.max(...network.asked)).toBeLessThanOrEqual(64);
  });

  it('refuses a chunk that comes damaged five times, and keeps the rest', async () => {
    const { world, network, artifact, disk, life, until } = setUp();
    const [first] = artifact.layout.chunks;
    network.stream.set(first!.digest, new Uint8Array(first!.size));
    network.pieces.set(first!.digest, new Uint8Array(first!.size));
    const { error } = await until(start(world, life, network, disk, artifact));
    expect(error).toMatchObject({ code: 'digestMismatch', details: { digest: first!.digest } });
    expect(network.asked.length).toBeGreaterThan(1);
    expect(disk.parts.get(artifact.layout.digest)!.done.size).toBeGreaterThan(0);
    expect(disk.files.size).toBe(0);
  });

  it('D7 has a chunk replaced that is damaged in the stream alone', async () => {
    const { world, network, artifact, disk, life, until } = setUp();
    const [first] = artifact.layout.chunks;
    network.stream.set(first!.digest, new Uint8Array(first!.size));
    expect((await until(start(world, life, network, disk, artifact))).error).toBeUndefined();
  });

  it('refuses a manifest of another file', async () => {
    const { world, network, artifact, disk, life, until } = setUp();
    const ref = { ...refOf(artifact.layout, 'nano'), file: digestOfBytes('another') };
    const { error } = await until(start(world, life, network, disk, artifact, { artifact: ref }));
    expect(error).toMatchObject({ code: 'digestMismatch' });
    expect(network.requests).toBe(1 + artifact.lists.length);
  });

  it('N7 waits for space, having given up the reserve, and takes it back before it goes on', async () => {
    const { world, network, artifact, disk, life, states, onState, until } = setUp();
    let writes = 0;
    life.onStep = () => {
      writes += 1;
      if (writes === 60) disk.capacity = disk.used - RESERVE - 1;
    };
    const out = start(world, life, network, disk, artifact, { onState });
    await world.run(() => states.at(-1)?.kind === 'noSpace', 1e6);
    expect(disk.hasReserve).toBe(false);
    const { requests } = network;
    await world.run(() => false, world.now + 100_000);
    expect(out.run).toBeUndefined();
    expect(network.requests).toBe(requests);
    disk.capacity = 1 << 30;
    expect((await until(out)).error).toBeUndefined();
    expect(disk.hasReserve).toBe(true);
  });

  it('ends with the reason of its signal, and goes on from there later', async () => {
    const { world, network, artifact, disk, life, until } = setUp();
    const controller = new AbortController();
    const reason = new Error('the site said stop');
    let written = 0;
    const onProgress = ({ doneBytes }: { doneBytes: number }): void => {
      written = doneBytes;
      if (doneBytes > artifact.bytes.length / 2) controller.abort(reason);
    };
    const more = { signal: controller.signal, onProgress };
    const { error } = await until(start(world, life, network, disk, artifact, more));
    expect(error).toBe(reason);
    const before = written;
    const { result } = await until(start(world, life, network, disk, artifact));
    expect(result!.reusedBytes).toBe(before);
  });

  it('stays within its budget, and follows a change of it', async () => {
    const { world, network, artifact, disk, life, until } = setUp(200);
    let rate = 10 * CHUNK;
    const link: Link = { bytesPerSecond: () => rate, roundTripMs: () => 100 };
    const out = start(world, life, network, disk, artifact, { link });
    await world.run(() => false, 5000);
    const first = network.bytes;
    expect(first).toBeLessThanOrEqual(5 * rate + CHUNK);
    expect(first).toBeGreaterThan(1 * rate);
    rate = 0;
    await world.run(() => false, 10_000);
    const paused = network.bytes;
    await world.run(() => false, 60_000);
    expect(network.bytes).toBe(paused);
    rate = 100 * CHUNK;
    const { result } = await until(out);
    expect(result).toBeDefined();
    expect(Math.max(...network.inFlight)).toBeLessThanOrEqual(LEAST_WINDOW + 1);
  });

  it('has no more in flight than its window, and few while nothing comes through', async () => {
    const { world, network, artifact, disk, life, states, onState, until } = setUp(300);
    const link: Link = { bytesPerSecond: () => undefined, roundTripMs: () => 50 };
    const out = start(world, life, network, disk, artifact, { link, onState });
    await world.run(() => network.requests > 50, 1e6);
    expect(Math.max(...network.inFlight)).toBe(MOST_WINDOW);
    network.isCut = true;
    await world.run(() => false, world.now + 2000);
    const { requests } = network;
    await world.run(() => false, world.now + 600_000);
    expect(network.requests - requests).toBeLessThan(200);
    expect(states.some((state) => state.kind === 'retrying' && state.waitMs > 10_000)).toBe(true);
    network.isCut = false;
    expect((await until(out)).error).toBeUndefined();
  });
});
