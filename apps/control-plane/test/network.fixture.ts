import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_STREAM } from '@openward/contracts';
import { connectControlPlane, loadAuthority, type EngineLink } from '@openward/messaging';
import { natsServers, RANDOM, startNats, withDatabase, type RunningNats } from '@openward/testkit';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { readConfig } from '../src/config.ts';
import { DEFAULT_HOSTS, initNetwork, type NetworkFiles } from '../src/keys/init.ts';
import { renderNatsConfig } from '../src/keys/nats-config.ts';
import { serve, type ControlPlane } from '../src/serve.ts';

// A whole network on this machine, as an operator would set it up: `init`, a NATS server, PostgreSQL, replicas over HTTPS.

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly body: T;
}

export interface Client {
  readonly url: string;
  raw(path: string, init?: RequestInit): Promise<Response>;
  get<T = never>(path: string): Promise<Answer<T>>;
  /** With a fresh Idempotency-Key unless one is given. */
  post<T = never>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>>;
}

export interface Network {
  readonly files: NetworkFiles;
  readonly env: Record<string, string>;
  readonly databaseUrl: string;
  /** The one that runs now. */
  nats(): RunningNats;
  /** Kills it, lets a test do what it wants with its folder, and starts another on the same port. */
  restartNats(meanwhile: (dir: string) => Promise<void>): Promise<void>;
  readonly admin: Client;
  /** The first admin's. */
  readonly token: string;
  /** Starts another replica of the same network. */
  replica(env?: Record<string, string>): Promise<{ readonly plane: ControlPlane; readonly client: Client }>;
  clientOf(url: string, token: string | null): Client;
  /** Ends the replica that was there from the start. */
  closeFirst(): Promise<void>;
  /** With the rights of the control plane itself. */
  withEngine<R>(work: (engine: EngineLink) => Promise<R>): Promise<R>;
  /** As a server that lost its disk, for the chunk stream alone. */
  purgeChunks(): Promise<void>;
  close(): Promise<void>;
}

let keys = 0;

export async function startNetwork(more: Record<string, string> = {}): Promise<Network> {
  const dir = await mkdtemp(join(tmpdir(), 'openward-control-plane-'));
  const database = await withDatabase();
  const server = natsServers()[0];
  if (server === undefined) throw new Error('no NATS server on this machine');
  const made = await initNetwork(
    {
      dir: join(dir, 'network'),
      hosts: DEFAULT_HOSTS,
      postgresUrl: database.url,
      natsUrl: 'nats://x',
      publicUrl: null,
    },
    Date.now(),
  );
  const store = join(dir, 'nats');
  const config = await renderNatsConfig({
    dir: made.dir,
    store,
    version: server.version,
    durability: 'best-effort',
    tls: true,
  });
  let nats = await startNats({ config, dir: store, name: 'test', bin: server.path });
  const env = {
    ...environmentIn(await readFile(made.env, 'utf8')),
    OPENWARD_NATS_URLS: nats.url.replace('127.0.0.1', 'localhost'),
    OPENWARD_NATS_DURABILITY: 'best-effort',
    OPENWARD_LOG_LEVEL: process.env['OPENWARD_TEST_LOG'] ?? 'silent',
    OPENWARD_COALESCE_MS: '20',
    ...more,
  };
  const token = (await readFile(made.bootstrapToken, 'utf8')).trim();
  const agent = new Agent({ connect: { ca: await readFile(made.ca, 'utf8') } });
  const planes: ControlPlane[] = [];
  const clientOf = (url: string, bearer: string | null): Client => makeClient(url, bearer, agent);
  const replica: Network['replica'] = async (extra = {}) => {
    const plane = await serve(readConfig({ ...env, ...extra }), new AbortController().signal);
    planes.push(plane);
    return { plane, client: clientOf(plane.url, token) };
  };
  const withEngine: Network['withEngine'] = async (work) => {
    const authority = await loadAuthority(made.authority);
    const urls = [env.OPENWARD_NATS_URLS];
    const ca = await readFile(made.ca, 'utf8');
    const engine = await connectControlPlane({ authority, role: 'engine', name: 'test', urls, ca, random: RANDOM });
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  };
  const { client: admin } = await replica();
  return {
    files: made,
    env,
    databaseUrl: database.url,
    nats: () => nats,
    restartNats: async (meanwhile) => {
      await nats.kill9();
      await meanwhile(store);
      nats = await startNats({ config, dir: store, name: 'test', bin: server.path, port: nats.port });
    },
    admin,
    token,
    closeFirst: async () => planes.shift()?.close(),
    replica,
    clientOf,
    withEngine,
    purgeChunks: () => withEngine(async (engine) => void (await engine.jsm.streams.purge(CHUNK_STREAM))),
    close: async () => {
      await agent.destroy();
      for (const plane of planes) await plane.close();
      await nats.stop();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const environmentIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

function makeClient(url: string, token: string | null, agent: Agent): Client {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const raw = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      dispatcher: agent,
      headers: { ...authorization, ...(init.headers as Record<string, string>) },
    });
  const answerOf = async <T>(response: Response): Promise<Answer<T>> => {
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as T };
  };
  return {
    url,
    raw,
    get: async (path) => answerOf(await raw(`/api/v1${path}`)),
    post: async (path, body = {}, headers = {}) =>
      answerOf(
        await raw(`/api/v1${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', 'idempotency-key': `key-${(keys += 1)}`, ...headers },
        }),
      ),
  };
}
