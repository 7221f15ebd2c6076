import type { Random } from '@openward/contracts';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { mintControlPlaneUser, type Authority } from './authority.ts';
import { dial, type LinkSettings } from './connect.ts';
import type { LinkEvent } from './link-events.ts';
import type { Link } from './link.ts';
import { controlPlaneInbox, type ControlPlaneRole } from './rights.ts';

export interface ControlPlaneLink<Role extends ControlPlaneRole = ControlPlaneRole> extends Link {
  readonly role: Role;
  /** For `judgeServer`, which the process asks before it goes on. */
  readonly serverVersion: string;
}

/** The one with rights to JetStream. */
export interface EngineLink extends ControlPlaneLink<'engine'> {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

export interface ControlPlaneLinkOptions<Role extends ControlPlaneRole> {
  readonly authority: Authority;
  readonly role: Role;
  /** Names the process in the server's lists. */
  readonly name: string;
  readonly urls: readonly string[];
  readonly ca?: string | null;
  readonly clientCert?: { readonly cert: string; readonly key: string };
  readonly settings?: Partial<LinkSettings>;
  readonly onEvent?: (event: LinkEvent) => void;
  readonly signal?: AbortSignal;
  readonly random: Random;
}

type LinkOf<Role extends ControlPlaneRole> = Role extends 'engine' ? EngineLink : ControlPlaneLink<Role>;

/** A user of its own for each call, kept in memory. The control plane's links wait less: its server is near. */
export async function connectControlPlane<Role extends ControlPlaneRole>(
  options: ControlPlaneLinkOptions<Role>,
): Promise<LinkOf<Role>> {
  const { authority, role, name } = options;
  const user = await mintControlPlaneUser(authority, role, name);
  const link = await dial({
    ...options,
    settings: { reconnectWaitMs: 250, jitterMs: 250, ...options.settings },
    credentials: () => user,
    inboxPrefix: controlPlaneInbox(role),
  });
  const serverVersion = link.nc.info?.version ?? '0.0.0';
  if (role !== 'engine') return Object.assign(link, { role, serverVersion }) as unknown as LinkOf<Role>;
  const js = jetstream(link.nc, { timeout: 5_000 });
  const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout: 5_000 });
  return Object.assign(link, { role, serverVersion, js, jsm }) as unknown as LinkOf<Role>;
}
