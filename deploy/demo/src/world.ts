import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startOllama, freePort } from '@openward/testkit';
import {
  dataSetOf,
  registerModel,
  ROOT,
  SERVICE,
  startNetwork,
  startSite,
  suiteDocument,
  writePrivately,
  type NetworkWorld,
  type SiteSettings,
  type SiteWorld,
} from './harness/index.ts';
import { line } from './print.ts';

export interface DemoOptions {
  readonly once: boolean;
  readonly runtime: 'llamaCpp' | 'ollama';
  /** Fixed ports, where somebody wants them; free ones otherwise. */
  readonly ports: {
    readonly controlPlane?: number;
    readonly nats?: number;
    readonly postgres?: number;
    readonly gateways?: readonly number[];
  };
}

export interface World {
  readonly network: NetworkWorld;
  readonly referral: SiteWorld;
  readonly district: SiteWorld;
  readonly primary: SiteWorld;
  readonly sites: readonly SiteWorld[];
  stop(): Promise<void>;
}

/** 4 Mbit/s. */
const SLOW_LINK = 500_000;
const OWN = join(ROOT, '.openward');
const INFO = join(OWN, 'demo.json');

const SITES: readonly Omit<SiteSettings, 'gatewayPort'>[] = [
  { name: 'referral', tier: 'referral', threads: 2 },
  { name: 'district', tier: 'district', threads: 2 },
  { name: 'primary', tier: 'primary', threads: 1, bytesPerSecond: SLOW_LINK },
];

/** Everything but the PostgreSQL cluster is made anew: an earlier demo in this folder leaves nothing that this one acts on. */
export async function startWorld(options: DemoOptions): Promise<World> {
  mkdirSync(OWN, { recursive: true, mode: 0o700 });
  refuseSecond();
  const dir = join(OWN, 'demo');
  for (const name of [
    'network',
    'nats',
    'sites',
    'ollama',
    'control-plane.log',
    ...SITES.map((site) => `${site.name}.log`),
  ])
    rmSync(join(dir, name), { recursive: true, force: true });
  for (const file of ['demo.json', 'demo-report.json']) rmSync(join(OWN, file), { force: true });
  const { ports } = options;
  const network = await startNetwork(dir, {
    ...(ports.nats === undefined ? {} : { natsPort: ports.nats }),
    ...(ports.postgres === undefined ? {} : { postgresPort: ports.postgres }),
    ...(ports.controlPlane === undefined ? {} : { port: ports.controlPlane }),
    say: line,
  });
  const stops: (() => Promise<void>)[] = [];
  const begin = async (settings: (typeof SITES)[number], index: number): Promise<SiteWorld> => {
    const gatewayPort = ports.gateways?.[index] ?? (await freePort());
    const runtime = options.runtime === 'ollama' ? await ollamaOf(dir, settings.name, stops) : {};
    return startSite(network, { ...settings, gatewayPort, runtime });
  };
  const sites = await Promise.all([begin(SITES[0]!, 0), begin(SITES[1]!, 1), begin(SITES[2]!, 2)]);
  const [referral, district, primary] = sites as [SiteWorld, SiteWorld, SiteWorld];
  for (const site of sites) line(`${site.name.padEnd(9)} gateway ${site.gateway}`);
  const world: World = {
    network,
    referral,
    district,
    primary,
    sites,
    async stop() {
      await Promise.all(sites.map((site) => site.stop()));
      await Promise.all(stops.map((stop) => stop()));
      await network.stop();
    },
  };
  writeInfo(world, false);
  await fillCatalogue(world);
  return world;
}

async function ollamaOf(dir: string, site: string, stops: (() => Promise<void>)[]): Promise<Record<string, unknown>> {
  const ollama = await startOllama({ dir: join(dir, 'ollama', site) });
  stops.push(() => ollama.stop());
  // The version at hand may be an older one; a hospital would not set this (N8).
  return { kind: 'ollama', ollamaUrls: [ollama.url], allowUnsafeVersion: true };
}

async function fillCatalogue({ network, sites }: World): Promise<void> {
  await network.api.services.create(SERVICE);
  await network.api.pushSuite(suiteDocument());
  await Promise.all([
    registerModel(network.api, 1),
    ...sites.map((site) => site.local('POST', '/data', dataSetOf(site.name))),
  ]);
}

/** For scripts, while the demo runs. */
export function writeInfo({ network, sites }: World, ready: boolean): void {
  writePrivately(INFO, {
    ready,
    pid: process.pid,
    controlPlane: { url: network.url, ca: network.ca, token: network.token },
    nats: { urls: network.natsUrls, ca: network.ca },
    sites: sites.map(({ name, tier, gateway, key, agent, dataDir }) => ({
      name,
      tier,
      gateway,
      key,
      pid: agent.pid,
      dataDir,
      start: agent.start,
    })),
  });
}

export const writeReport = (list: readonly unknown[]): void => writePrivately(join(OWN, 'demo-report.json'), list);

/** Two demos in one folder would share files. A number that another program has taken since means nothing. */
function refuseSecond(): void {
  if (!existsSync(INFO)) return;
  const { pid } = JSON.parse(readFileSync(INFO, 'utf8')) as { pid?: number };
  if (pid === undefined || pid === process.pid || !isDemo(pid)) return;
  throw new Error(`A demo runs in this folder already (process ${pid}). End it first, or clone into another folder.`);
}

function isDemo(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const commandLine = `/proc/${pid}/cmdline`;
    return !existsSync(commandLine) || readFileSync(commandLine, 'utf8').includes('deploy/demo');
  } catch {
    return false;
  }
}

/** The addresses in it mean nothing once the processes have ended. */
export const removeInfo = (): void => rmSync(INFO, { force: true });
