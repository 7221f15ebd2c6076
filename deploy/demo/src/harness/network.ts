import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  databaseUrl,
  ensureNatsServer,
  freePort,
  startNats,
  startPostgres,
  type RunningNats,
  type RunningPostgres,
} from '@openward/testkit';
import { createClient, type Client } from '@openward/client';
import { CONTROL_PLANE } from './paths.ts';
import { lineOf, startProcess, type Running } from './processes.ts';
import pg from 'pg';

const run = promisify(execFile);

/** PostgreSQL, NATS with TLS, and one control plane or more: what a network runs in one place. */
export interface NetworkWorld {
  readonly dir: string;
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly natsUrls: readonly string[];
  readonly natsPort: number;
  readonly port: number;
  readonly postgres: RunningPostgres;
  readonly nats: RunningNats;
  readonly api: Client;
  controlPlane: Running;
  /** Starts the control plane again on its port, after it was stopped or killed. */
  restart(): Promise<void>;
  /** A new key for desired states and answers, and the old ones no longer (K1); good from the next start of the control plane on. */
  rotateKeys(): Promise<void>;
  /** A second one beside it, on a port of its own. */
  startReplica(): Promise<{ readonly url: string; readonly running: Running }>;
  stop(): Promise<void>;
}

export interface NetworkSettings {
  readonly natsPort?: number;
  readonly postgresPort?: number;
  readonly port?: number;
  /** More of the control plane's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly say?: (line: string) => void;
}

/** A folder that holds an earlier network is taken up again only in its servers: the database is made anew. */
export async function startNetwork(dir: string, settings: NetworkSettings = {}): Promise<NetworkWorld> {
  const say = settings.say ?? (() => undefined);
  const server = await ensureNatsServer(say);
  const [natsPort, port] = [settings.natsPort ?? (await freePort()), settings.port ?? (await freePort())];
  const keys = join(dir, 'network');
  const url = `https://localhost:${port}`;
  const { files, postgres, database } = await prepare(dir, keys, url, natsPort, settings, say);
  const config = await run(process.execPath, [
    CONTROL_PLANE,
    'nats-config',
    '--dir',
    keys,
    '--store',
    join(dir, 'nats'),
    '--version',
    server.version,
  ]);
  const nats = await startNats({
    config: config.stdout,
    dir: join(dir, 'nats'),
    name: `openward-${natsPort}`,
    port: natsPort,
    bin: server.path,
  });
  say(`NATS ${server.version} on port ${natsPort}, with TLS`);
  const env = {
    ...readEnv(join(keys, 'control-plane.env')),
    OPENWARD_DATABASE_URL: database,
    OPENWARD_NATS_URLS: `nats://localhost:${natsPort}`,
    OPENWARD_PUBLIC_URL: url,
    ...settings.env,
  };
  const start = (name: string, listenPort: number): Running =>
    startProcess(
      name,
      {
        command: process.execPath,
        args: ['--enable-source-maps', CONTROL_PLANE],
        env: { ...env, OPENWARD_LISTEN: `127.0.0.1:${listenPort}` },
      },
      join(dir, `${name}.log`),
    );
  const ca = readFileSync(files.ca, 'utf8');
  const token = readFileSync(files.bootstrapToken, 'utf8').trim();
  const world: NetworkWorld = {
    dir,
    url,
    ca,
    token,
    natsUrls: [`nats://localhost:${natsPort}`],
    natsPort,
    port,
    postgres,
    nats,
    api: createClient({ url, ca, token }, { newKey: () => randomUUID(), monotonic: () => performance.now() }),
    controlPlane: start('control-plane', port),
    async restart() {
      const after = world.controlPlane.log().length;
      world.controlPlane = start('control-plane', port);
      await lineOf(world.controlPlane, 'listening', after);
    },
    async rotateKeys() {
      await run(process.execPath, [CONTROL_PLANE, 'rotate-keys', '--dir', keys, '--drop-old']);
    },
    async startReplica() {
      const other = await freePort();
      const running = start(`control-plane-${other}`, other);
      await lineOf(running, 'listening');
      return { url: `https://localhost:${other}`, running };
    },
    async stop() {
      await world.controlPlane.stop();
      await nats.stop();
      await postgres.stop();
    },
  };
  await lineOf(world.controlPlane, 'listening');
  say(`control plane at ${url}`);
  return world;
}

interface Made {
  readonly ca: string;
  readonly bootstrapToken: string;
}

async function prepare(
  dir: string,
  keys: string,
  url: string,
  natsPort: number,
  settings: NetworkSettings,
  say: (line: string) => void,
) {
  const [init, postgres] = await Promise.all([
    run(process.execPath, [
      CONTROL_PLANE,
      'init',
      '--dir',
      keys,
      '--nats',
      `nats://localhost:${natsPort}`,
      '--url',
      url,
    ]),
    startPostgres({
      dataDir: join(dir, 'postgres'),
      ...(settings.postgresPort === undefined ? {} : { port: settings.postgresPort }),
    }),
  ]);
  say(`PostgreSQL on port ${postgres.port}`);
  const name = `openward_${Date.now().toString(36)}`;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return { files: JSON.parse(init.stdout) as Made, postgres, database: databaseUrl(postgres.url, name) };
}

const readEnv = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** For scripts; it names a token. */
export const writePrivately = (path: string, value: unknown): void =>
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
