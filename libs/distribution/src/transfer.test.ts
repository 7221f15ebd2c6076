import { digestOfBytes } from '@openward/contracts';
import { describe, expect, it, vi } from 'vitest';
import { refOf } from './manifest.ts';
import { LEAST_WINDOW, LOCAL_WINDOW, MOST_WINDOW } from './pace.ts';
import type { Link, TransferState } from './ports.ts';
import {
  CHUNK,
  type Made,
  makeArtifact,
  Network,
  RESERVE,
  type Run,
  start,
  SYNC,
} from './simulated-network.fixture.ts';
import { SimulatedDisk } from './simulated-store.fixture.ts';
import { Life, World } from './simulated-world.fixture.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

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
    const reasons = states.flatMap((state) => (state.kind === 'retrying' ? [state.why] : []));
    expect(new Set(reasons)).toEqual(new Set(['timeout']));
    network.isCut = false;
    expect((await until(out)).error).toBeUndefined();
  });
});
