import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNetwork, stopAll, type NetworkSettings, type NetworkWorld, type SiteWorld } from '@openward/demo/harness';
import { removeCluster } from '@openward/testkit';
import { afterAll, beforeAll, onTestFailed } from 'vitest';

// A test here reads as a sentence: given(facts).when(deeds).then(claims). Each is a step that somebody takes in a world of
// real processes: PostgreSQL, NATS with TLS, a control plane, and the agents of hospitals. The cases of a file share one
// network and keep apart by hospitals and services of their own.

/** A network, and what the cases have put into it so far. */
export interface World {
  readonly network: NetworkWorld;
  /** By name; a hospital opens once. */
  readonly sites: Map<string, SiteWorld>;
  /** The newest rollout of each service. */
  readonly rollouts: Map<string, string>;
  /** Versions of models that are registered, so that two cases do not push the same one twice. */
  readonly models: Map<string, Promise<unknown>>;
}

/** Something that somebody does, sees or claims. It rejects where that does not hold; what it resolves to is not looked at. */
export type Step = (world: World) => unknown;

export interface Story {
  /** Takes the steps in order, and resolves when the last claim has held. */
  then(...claims: readonly Step[]): Promise<void>;
}

export interface Given {
  when(...deeds: readonly Step[]): Story;
}

export interface SharedNetwork {
  given: (...facts: readonly Step[]) => Given;
  /** The world as it stands, for what a case asks beside its steps. */
  world: () => World;
}

/** One network for the file that calls this; it ends with the file, and its folder goes. */
export function aNetwork(settings: NetworkSettings = {}): SharedNetwork {
  let world: World | undefined;
  const dir = mkdtempSync(join(tmpdir(), 'openward-e2e-'));
  const standing = (): World => {
    if (world === undefined) throw new Error('the network has not started');
    return world;
  };
  beforeAll(async () => {
    const network = await startNetwork(dir, settings);
    world = { network, sites: new Map(), rollouts: new Map(), models: new Map() };
  });
  afterAll(async () => {
    for (const site of world?.sites.values() ?? []) await site.stop();
    await stopAll();
    await world?.network.stop();
    if (world !== undefined) await removeCluster(join(dir, 'postgres'));
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    world: standing,
    given: (...facts) => ({
      when: (...deeds) => ({
        // A story's end, not a promise: nobody awaits what `when` gives.
        // oxlint-disable-next-line unicorn/no-thenable
        then: (...claims) => tell(standing(), [...facts, ...deeds, ...claims]),
      }),
    }),
  };
}

async function tell(world: World, steps: readonly Step[]): Promise<void> {
  onTestFailed(() => console.error(lastWords(world)));
  for (const step of steps) await step(world);
}

/** What all logs say beside the usual: what one wants to read when a story has ended otherwise. */
function lastWords({ network, sites }: World): string {
  const processes = [network.controlPlane, ...[...sites.values()].map((site) => site.agent)];
  const unusual = (log: string): string[] => log.split('\n').filter((line) => !/^$|"level":"(debug|info)"/.test(line));
  return processes
    .map((running) => `--- ${running.name}\n${unusual(running.log()).slice(-8).join('\n').slice(-3000)}`)
    .join('\n');
}

/** The hospital of this name, which a step opened before. */
export function siteIn(world: World, name: string): SiteWorld {
  const site = world.sites.get(name);
  if (site === undefined) throw new Error(`the hospital ${name} has not opened`);
  return site;
}
