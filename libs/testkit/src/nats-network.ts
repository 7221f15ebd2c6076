import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials, Name, NodeName, Random } from '@openward/contracts';
import {
  accountJwts,
  connectControlPlane,
  connectNode,
  createAuthority,
  ensureAll,
  ensureNode,
  generateUserKey,
  mintNodeCredentials,
  pushAccountClaims,
  renderServerConfig,
  type Authority,
  type ControlPlaneLink,
  type EngineLink,
  type LinkEvent,
  type LinkSettings,
  type NodeLink,
  type NodeLinkOptions,
  type Revocation,
} from '@openward/messaging';
import { natsServers, startNats, type RunningNats } from './servers/nats.ts';

/** The operating system's, as a process in production has it. */
export const RANDOM: Random = { bytes: (length) => randomBytes(length) };

/** Links that come back at once, so that a test need not wait. */
export const QUICK_LINKS: Partial<LinkSettings> = { reconnectWaitMs: 50, jitterMs: 20, timeoutMs: 5_000 };

export interface TestNode extends NodeName {
  readonly keys: { readonly control: { publicKey: string; seed: string }; bulk: { publicKey: string; seed: string } };
  credentials: Credentials;
  /** Mints again for the same keys. `lifetimeMs` from now. */
  mint(lifetimeMs?: number): Promise<void>;
  connect(kind: 'control' | 'bulk', options?: Partial<NodeLinkOptions>): Promise<NodeLink>;
}

export interface NatsNetwork {
  readonly authority: Authority;
  readonly dir: string;
  readonly engine: EngineLink;
  readonly sys: ControlPlaneLink<'sys'>;
  readonly rpc: ControlPlaneLink<'rpc'>;
  /** The one that runs now. */
  server(): RunningNats;
  /** Starts a server again on the same port and folder, after the last one was stopped or killed. */
  start(): Promise<void>;
  enrol(node: NodeName & { readonly families?: readonly Name[] }): Promise<TestNode>;
  revoke(node: TestNode, at?: number): Promise<void>;
  close(): Promise<void>;
}

export interface NatsNetworkOptions {
  /** A server's program and version; the newest on this machine when left out. */
  readonly bin?: string;
  readonly version?: string;
  /** Paths of PEM files, and the text of the authority's certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

const HOUR = 3_600_000;

/** A real NATS server as the product sets it up: operator, accounts, streams, and the control plane's three links. */
export async function startNatsNetwork(options: NatsNetworkOptions = {}): Promise<NatsNetwork> {
  const dir = await mkdtemp(join(tmpdir(), 'openward-network-'));
  const newest = natsServers()[0];
  const bin = options.bin ?? newest?.path;
  const version = options.version ?? newest?.version;
  if (bin === undefined || version === undefined) throw new Error('no NATS server on this machine');
  const { authority } = await createAuthority();
  const { tls } = options;
  // Written anew for each start, as whoever runs a server may.
  const config = async (): Promise<string> =>
    renderServerConfig({
      version,
      dir,
      authority,
      accounts: await accountJwts(authority, []),
      ...(tls ? { tls: { cert: tls.cert, key: tls.key } } : {}),
    });
  let server = await startNats({ config: await config(), dir, name: 'network', bin });
  const { port } = server;
  const where = { urls: [server.url], ca: tls?.ca ?? null, settings: QUICK_LINKS, random: RANDOM };
  const troubles: string[] = [];
  const link = {
    ...where,
    authority,
    name: 'test',
    // A test that cannot connect should say why, not hang.
    signal: AbortSignal.timeout(20_000),
    onEvent: (event: LinkEvent): void => {
      if ('error' in event && event.error) troubles.push(event.error.message);
    },
  };
  const engine = await connectControlPlane({ ...link, role: 'engine' }).catch((error: unknown) => {
    throw new Error(`no connection to the test's server: ${troubles.at(-1)}\n${server.log()}`, { cause: error });
  });
  const sys = await connectControlPlane({ ...link, role: 'sys' });
  const rpc = await connectControlPlane({ ...link, role: 'rpc' });
  await ensureAll(engine, []);

  const revocations: Revocation[] = [];
  const opened: NodeLink[] = [];

  const enrol: NatsNetwork['enrol'] = async ({ site, node, families = ['family-a'] }) => {
    const keys = { control: generateUserKey(), bulk: generateUserKey() };
    const mint = (lifetimeMs = HOUR): Promise<Credentials> =>
      mintNodeCredentials(authority, {
        site,
        node,
        families,
        controlKey: keys.control.publicKey,
        bulkKey: keys.bulk.publicKey,
        expiresAt: new Date(Date.now() + lifetimeMs).toISOString(),
      });
    await ensureNode(engine, { site, node });
    const enrolled: TestNode = {
      site,
      node,
      keys,
      credentials: await mint(),
      mint: async (lifetimeMs) => {
        enrolled.credentials = await mint(lifetimeMs);
      },
      connect: async (kind, more = {}) => {
        const credentials = () => ({ jwt: enrolled.credentials[kind], seed: keys[kind].seed });
        const made = await connectNode({ site, node, kind, ...where, credentials, ...more });
        opened.push(made);
        return made;
      },
    };
    return enrolled;
  };

  return {
    authority,
    dir,
    engine,
    sys,
    rpc,
    server: () => server,
    start: async () => {
      server = await startNats({ config: await config(), dir, name: 'network', bin, port });
    },
    enrol,
    revoke: async (node, at = Math.floor(Date.now() / 1000)) => {
      for (const { publicKey } of Object.values(node.keys)) revocations.push({ userKey: publicKey, at });
      await pushAccountClaims(sys, await accountJwts(authority, revocations));
    },
    close: async () => {
      await Promise.all([...opened, engine, sys, rpc].map((one) => one.close()));
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
