import { digestOfBytes, Refusal } from '@openward/contracts';
import { describe, expect, it, vi } from 'vitest';
import type { TransferState } from './ports.ts';
import { makeArtifact, Network, RESERVE, type Run, start } from './simulated-network.fixture.ts';
import { SimulatedDisk } from './simulated-store.fixture.ts';
import { Life, World } from './simulated-world.fixture.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

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
