import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { until } from '@openward/testkit';
import type { Tier } from '@openward/contracts';
import type { NetworkWorld } from './network.ts';
import { AGENT } from './paths.ts';
import { startRelay, type Relay } from './relay.ts';
import { lineOf, startProcess, type Running } from './processes.ts';

/** One hospital: an agent with its runtime, a line that can be cut, and an application's key. */
export interface SiteWorld {
  readonly name: string;
  readonly node: string;
  readonly tier: Tier;
  readonly dataDir: string;
  readonly gateway: string;
  readonly key: string;
  /** To NATS. */
  readonly line: Relay;
  agent: Running;
  /** What hospital IT would type, over the local socket. */
  local<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface SiteSettings {
  readonly name: string;
  readonly tier: Tier;
  readonly threads: number;
  /** What the line carries; the agent is told to use three quarters of it. */
  readonly bytesPerSecond?: number;
  readonly gatewayPort: number;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly runtime?: Readonly<Record<string, unknown>>;
  /** More arguments of Node, before the agent's program. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PACE = 0.75;

export async function startSite(network: NetworkWorld, settings: SiteSettings): Promise<SiteWorld> {
  const { name, tier, bytesPerSecond } = settings;
  const node = `${name}-1`;
  const dataDir = join(network.dir, 'sites', name);
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await network.api.sites.create({
    name,
    tier,
    ...(bytesPerSecond === undefined ? {} : { linkBytesPerSecond: bytesPerSecond }),
  });
  const { token } = await network.api.sites.createToken(name);
  writeFileSync(join(dataDir, 'agent.json'), JSON.stringify(agentConfig(settings), null, 2));
  await enrol(settings, dataDir, node, token);
  const line = await startRelay({ host: '127.0.0.1', port: network.natsPort });
  dialThrough(dataDir, line.port);
  const start = {
    command: process.execPath,
    // As `openward node run` does.
    args: ['--enable-source-maps', '--max-semi-space-size=8', ...(settings.nodeArgs ?? []), AGENT, '--data', dataDir],
    env: { ...settings.env },
  };
  const logFile = join(network.dir, `${name}.log`);
  const begin = async (): Promise<Running> => {
    const after = existsSync(logFile) ? readFileSync(logFile, 'utf8').length : 0;
    const running = startProcess(name, start, logFile);
    await lineOf(running, 'listening', after);
    return running;
  };
  const agent = await begin();
  // A plan leaves out a node of which nothing is known yet.
  await until(async () => (await network.api.nodes.get(node)).lastReportAt !== null, {
    within: 60_000,
    every: 50,
    what: `${node} reports for the first time`,
  });
  const local = <T>(method: 'GET' | 'POST', path: string, body?: unknown) => callLocal<T>(dataDir, method, path, body);
  const { key } = await local<{ key: string }>('POST', '/keys', { application: 'ward' });
  const { url } = JSON.parse(readFileSync(join(dataDir, 'gateway.json'), 'utf8')) as { url: string };
  const site: SiteWorld = {
    name,
    node,
    tier,
    dataDir,
    gateway: url,
    key,
    line,
    agent,
    local,
    async restart() {
      site.agent = await begin();
      await until(async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true, {
        within: 20_000,
        what: `${name} answers /health`,
      });
    },
    async stop() {
      await site.agent.stop();
      await line.close();
    },
  };
  return site;
}

const agentConfig = ({ threads, bytesPerSecond, gatewayPort, config, runtime }: SiteSettings) => ({
  gateway: { port: gatewayPort, drainMs: 5000 },
  // Every runtime computes with one thread: the machine that shows this may have two cores for three hospitals.
  runtime: { threads, threadsPerRequest: 1, memoryGiB: 2, parallel: 2, ...runtime },
  link: {
    bytesPerSecond: bytesPerSecond === undefined ? null : Math.floor(bytesPerSecond * PACE),
    reconnectWaitMs: 250,
    jitterMs: 250,
  },
  ownStepMs: 150,
  reserveBytes: 1_048_576,
  ...config,
});

/** The node's NATS goes through the line of the demo; nothing of the agent knows. */
function dialThrough(dataDir: string, port: number): void {
  const path = join(dataDir, 'enrolment.json');
  const enrolment = JSON.parse(readFileSync(path, 'utf8')) as { nats: { urls: string[] } };
  enrolment.nats.urls = [`nats://localhost:${port}`];
  writeFileSync(path, JSON.stringify(enrolment));
}

function enrol({ nodeArgs = [], env }: SiteSettings, dataDir: string, node: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const program = join(dirname(AGENT), 'enrol-main.js');
    const child = spawn(process.execPath, [...nodeArgs, program, '--data', dataDir, '--node', node], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${node} could not enrol: ${said}`))));
    child.stdin.end(token);
  });
}

export function callLocal<T>(dataDir: string, method: string, path: string, body?: unknown): Promise<T> {
  const socketPath = readFileSync(join(dataDir, 'socket'), 'utf8');
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, headers: { 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => {
        const parsed = JSON.parse(text === '' ? 'null' : text) as T & { message?: string };
        if ((response.statusCode ?? 500) < 400) resolve(parsed);
        else reject(new Error(`${method} ${path}: ${parsed.message ?? text}`));
      });
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
