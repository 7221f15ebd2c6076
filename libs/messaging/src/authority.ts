import type { Credentials, Name, NodeName } from '@openward/contracts';
import { Name as NameSchema, NatsUserKey } from '@openward/contracts';
import { encodeAccount, encodeOperator, encodeUser, newScopedSigner } from '@nats-io/jwt';
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';
import {
  CONTROL_PLANE_RIGHTS,
  CORE_EXPORTS,
  EDGE_BULK_RIGHTS,
  EDGE_CONTROL_RIGHTS,
  edgeImports,
  type ControlPlaneRole,
} from './rights.ts';

// The operator's hierarchy, made in code. An operator signs accounts, an account signs users; each has a signing key of its
// own, so that the keys in which they are rooted stay offline. A control plane runs on signing keys alone.

/** What a control plane holds: the same for all replicas, from files or a command, never a database row or a log (K1). */
export interface Authority {
  readonly operatorJwt: string;
  /** Public keys. */
  readonly accounts: { readonly sys: string; readonly core: string; readonly edge: string };
  readonly keys: {
    /** Signs accounts, with their revocations. */
    readonly operatorSigning: KeyPair;
    readonly sysSigning: KeyPair;
    readonly coreSigning: KeyPair;
    /** These two can mint a node's users only, with the rights of their role and no others. */
    readonly edgeControl: KeyPair;
    readonly edgeBulk: KeyPair;
  };
}

/** File name to text. */
export type AuthorityFiles = Readonly<Record<string, string>>;

export interface Revocation {
  /** Public nkey of the user. */
  readonly userKey: string;
  /** Seconds since 1970. User JWTs issued up to then are refused; one in the future refuses later ones too. */
  readonly at: number;
}

export interface AccountJwts {
  readonly sys: string;
  readonly core: string;
  readonly edge: string;
}

export interface UserCredentials {
  readonly jwt: string;
  readonly seed: string;
}

export const seedOf = (key: KeyPair): string => new TextDecoder().decode(key.getSeed());

/** `root` signs a new set of signing keys when one is lost. It belongs on no machine of the network. */
export async function createAuthority(): Promise<{ readonly authority: Authority; readonly root: AuthorityFiles }> {
  const operator = createOperator();
  const [sys, core, edge] = [createAccount(), createAccount(), createAccount()];
  const operatorSigning = createOperator();
  const operatorJwt = await encodeOperator('openward', operator, {
    signing_keys: [operatorSigning.getPublicKey()],
    system_account: sys.getPublicKey(),
  });
  return {
    authority: {
      operatorJwt,
      accounts: { sys: sys.getPublicKey(), core: core.getPublicKey(), edge: edge.getPublicKey() },
      keys: {
        operatorSigning,
        sysSigning: createAccount(),
        coreSigning: createAccount(),
        edgeControl: createAccount(),
        edgeBulk: createAccount(),
      },
    },
    root: {
      'operator-root.nk': seedOf(operator),
      'sys-root.nk': seedOf(sys),
      'core-root.nk': seedOf(core),
      'edge-root.nk': seedOf(edge),
    },
  };
}

// Written in full, since what is left out counts as zero.
const LIMITS = { conn: -1, leaf: 0, subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true };
const JETSTREAM_LIMITS = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** The claims of the three accounts. EDGE's carry every revocation, so each push must have all of them (D5). */
export async function accountJwts(authority: Authority, revocations: readonly Revocation[]): Promise<AccountJwts> {
  const { accounts, keys } = authority;
  const signer = { signer: keys.operatorSigning };
  const sys = await encodeAccount(
    'SYS',
    accounts.sys,
    { limits: LIMITS, signing_keys: [keys.sysSigning.getPublicKey()] },
    signer,
  );
  const core = await encodeAccount(
    'CORE',
    accounts.core,
    {
      limits: { ...LIMITS, ...JETSTREAM_LIMITS },
      signing_keys: [keys.coreSigning.getPublicKey()],
      exports: [...CORE_EXPORTS],
    },
    signer,
  );
  const edge = await encodeAccount(
    'EDGE',
    accounts.edge,
    {
      limits: LIMITS,
      signing_keys: [
        newScopedSigner(keys.edgeControl.getPublicKey(), 'edge-control', EDGE_CONTROL_RIGHTS),
        newScopedSigner(keys.edgeBulk.getPublicKey(), 'edge-bulk', EDGE_BULK_RIGHTS),
      ],
      imports: edgeImports(accounts.core),
      revocations: Object.fromEntries(revocations.map(({ userKey, at }) => [NatsUserKey.parse(userKey), at])),
    },
    signer,
  );
  return { sys, core, edge };
}

export interface NodeCredentialsRequest extends NodeName {
  readonly families: readonly Name[];
  /** Public nkeys that the node made. */
  readonly controlKey: string;
  readonly bulkKey: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/**
 * A node's two user JWTs. Site, node and families become tokens of its rights, where `*` would open every site: whatever is
 * not a name throws.
 */
export async function mintNodeCredentials(authority: Authority, request: NodeCredentialsRequest): Promise<Credentials> {
  const site = NameSchema.parse(request.site);
  const node = NameSchema.parse(request.node);
  const families = [...new Set(request.families.map((family) => NameSchema.parse(family)))];
  const exp = Math.floor(Date.parse(request.expiresAt) / 1000);
  if (!Number.isInteger(exp)) throw new Error(`no instant: ${request.expiresAt}`);
  const mint = (key: string, signer: KeyPair, tags: string[]): Promise<string> =>
    encodeUser(node, NatsUserKey.parse(key), authority.accounts.edge, { tags }, { scopedUser: true, exp, signer });
  return {
    control: await mint(request.controlKey, authority.keys.edgeControl, [`site:${site}`]),
    bulk: await mint(request.bulkKey, authority.keys.edgeBulk, [
      `site:${site}`,
      ...families.map((family) => `family:${family}`),
    ]),
    expiresAt: request.expiresAt,
    families,
  };
}

/** A user for one process of the control plane, made at its start and kept in its memory only. */
export async function mintControlPlaneUser(
  authority: Authority,
  role: ControlPlaneRole,
  name: string,
): Promise<UserCredentials> {
  const user = createUser();
  const [account, signer] =
    role === 'sys'
      ? [authority.accounts.sys, authority.keys.sysSigning]
      : [authority.accounts.core, authority.keys.coreSigning];
  const { pub, sub } = CONTROL_PLANE_RIGHTS[role];
  const rights = { pub: { allow: [...pub.allow] }, sub: { allow: [...sub.allow] } };
  return { jwt: await encodeUser(name, user.getPublicKey(), account, rights, { signer }), seed: seedOf(user) };
}

/** A NATS user's key pair. Made on the node, which sends the public half only (K1). */
export function generateUserKey(): { readonly publicKey: string; readonly seed: string } {
  const user = createUser();
  return { publicKey: user.getPublicKey(), seed: seedOf(user) };
}
