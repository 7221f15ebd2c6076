import type { ClientFrame, Credentials, Digest, Instant, Name, NodeName, RpcOperation } from '@openward/contracts';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { KeyPair } from '@nats-io/nkeys';

// The signatures that the other parts are written against; each moves to its own file with its code.

// authority
export interface Authority {
  readonly operatorJwt: string;
  /** Public keys. */
  readonly accounts: { readonly sys: string; readonly core: string; readonly edge: string };
  readonly keys: {
    readonly operatorSigning: KeyPair;
    readonly sysSigning: KeyPair;
    readonly coreSigning: KeyPair;
    readonly edgeControl: KeyPair;
    readonly edgeBulk: KeyPair;
  };
}
/** File name to text. */
export type AuthorityFiles = Readonly<Record<string, string>>;
export interface Revocation {
  /** Public nkey of the user. */
  readonly userKey: string;
  /** Seconds since 1970: user JWTs issued up to then are refused. */
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
export type ControlPlaneRole = 'engine' | 'rpc' | 'sys';
/** `root` belongs on no machine of the network: save it apart, offline. */
export declare function createAuthority(): Promise<{ authority: Authority; root: AuthorityFiles }>;
export declare function saveAuthority(authority: Authority, dir: string): Promise<void>;
export declare function saveOperatorRoot(root: AuthorityFiles, dir: string): Promise<void>;
export declare function loadAuthority(dir: string): Promise<Authority>;
export declare function authorityToFiles(authority: Authority): AuthorityFiles;
export declare function authorityFromFiles(files: AuthorityFiles): Authority;
export declare function accountJwts(authority: Authority, revocations: readonly Revocation[]): Promise<AccountJwts>;
export declare function mintNodeCredentials(
  authority: Authority,
  request: NodeName & {
    readonly families: readonly Name[];
    readonly controlKey: string;
    readonly bulkKey: string;
    readonly expiresAt: Instant;
  },
): Promise<Credentials>;
export declare function mintControlPlaneUser(
  authority: Authority,
  role: ControlPlaneRole,
  name: string,
): Promise<UserCredentials>;
/** A NATS user's key pair, made on the node (K1). */
export declare function generateUserKey(): { readonly publicKey: string; readonly seed: string };

// server
export interface ServerConfigOptions {
  /** Of the program that will read it: settings that it does not know are left out. */
  readonly version: string;
  /** Holds `jwt/` and `jetstream/`. */
  readonly dir: string;
  readonly authority: Authority;
  readonly accounts: AccountJwts;
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  readonly maxFileBytes?: number;
}
/** The configuration without name and address, which whoever starts the server adds. */
export declare function renderServerConfig(options: ServerConfigOptions): string;
export interface ServerPosture {
  readonly listener: 'loopback' | 'private' | 'public';
  readonly mutualTls: boolean;
  readonly allowUnsafeVersion: boolean;
  /** `always`: the server syncs each write (2.10 on); else the operator says how durable the store is. */
  readonly durability: 'always' | 'fs-sync' | 'best-effort';
}
export declare function judgeServer(
  version: string,
  posture: ServerPosture,
): { readonly refused: string } | { readonly accepted: true; readonly warnings: readonly string[] };

// connections
export type LinkEvent =
  | { readonly type: 'connected'; readonly server: string }
  | { readonly type: 'disconnected' }
  | { readonly type: 'expired' }
  | { readonly type: 'revoked' }
  /** The server did not take the credentials: expired, revoked, or of another network. */
  | { readonly type: 'refused'; readonly error: Error }
  | { readonly type: 'error'; readonly error: Error }
  | { readonly type: 'closed'; readonly error?: Error };
export interface LinkSettings {
  readonly reconnectWaitMs: number;
  readonly jitterMs: number;
  readonly pingIntervalMs: number;
  readonly maxPingOut: number;
  readonly timeoutMs: number;
}
export interface Link {
  readonly nc: NatsConnection;
  readonly isConnected: boolean;
  /** Resolves at once when connected; rejects when the link closes or the signal aborts. */
  whenConnected(signal?: AbortSignal): Promise<void>;
  /** Returns what ends the listening. */
  onEvent(listener: (event: LinkEvent) => void): () => void;
  /** Connects anew with the credentials that the source gives now; resolves when connected again. */
  renew(): Promise<void>;
  close(): Promise<void>;
}
export interface NodeLink extends Link {
  readonly site: Name;
  readonly node: Name;
  readonly kind: 'control' | 'bulk';
}
export interface ControlPlaneLink extends Link {
  readonly role: ControlPlaneRole;
  readonly serverVersion: string;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}
export interface NodeLinkOptions extends NodeName {
  readonly kind: 'control' | 'bulk';
  readonly urls: readonly string[];
  /** PEM. Asks for TLS and trusts this authority alone. */
  readonly ca?: string | null;
  /** Read at each connect, so that renewed ones are used from then on. */
  readonly credentials: () => UserCredentials;
  readonly settings?: Partial<LinkSettings>;
  readonly onEvent?: (event: LinkEvent) => void;
  /** Sees each frame of the client protocol that is sent, for the ledger (P1). */
  readonly onFrame?: (frame: ClientFrame) => void;
  readonly signal?: AbortSignal;
}
/** Goes on trying until it is connected or `signal` aborts. */
export declare function connectNode(options: NodeLinkOptions): Promise<NodeLink>;
export declare function connectControlPlane(options: {
  readonly authority: Authority;
  readonly role: ControlPlaneRole;
  readonly name: string;
  readonly urls: readonly string[];
  readonly ca?: string | null;
  readonly clientCert?: { readonly cert: string; readonly key: string };
  readonly settings?: Partial<LinkSettings>;
  readonly onEvent?: (event: LinkEvent) => void;
  readonly signal?: AbortSignal;
}): Promise<ControlPlaneLink>;

// provisioning (D5)
export interface ProvisionSettings {
  readonly reportMaxBytes: number;
  readonly chunkMaxBytes: number;
  readonly replicas: number;
}
export declare function ensureAll(
  engine: ControlPlaneLink,
  nodes: readonly NodeName[],
  settings?: Partial<ProvisionSettings>,
): Promise<{ readonly made: readonly string[]; readonly remade: readonly string[] }>;
export declare function ensureNode(engine: ControlPlaneLink, node: NodeName): Promise<void>;
/** Removes the node's durable and its desired state. */
export declare function removeNode(engine: ControlPlaneLink, node: NodeName): Promise<void>;
/** Resolves when the server is seen to apply the claims; throws when it does not. */
export declare function pushAccountClaims(sys: ControlPlaneLink, accounts: AccountJwts): Promise<void>;

// desired states (D3)
export interface DesiredFrame {
  readonly frame: Uint8Array;
  /** Of the bucket; orders nothing after NATS lost everything. The generation does. */
  readonly revision: number;
  readonly traceparent?: string;
}
export declare function putDesired(
  engine: ControlPlaneLink,
  node: NodeName,
  frame: Uint8Array,
  /** What was seen last; 0 where there was none. */
  lastRevision: number,
  options?: { readonly traceparent?: string },
): Promise<{ readonly revision: number } | { readonly conflict: true }>;
export declare function readDesired(engine: ControlPlaneLink, node: NodeName): Promise<DesiredFrame | null>;
/** The newest frame that is not yet taken; older ones that were not taken are skipped. Ends when `signal` aborts. */
export declare function watchDesired(
  link: NodeLink,
  options: {
    readonly signal: AbortSignal;
    readonly rereadMs?: number;
    /** The durable is missing: ask for a refill. Called at most once for each time it is found missing. */
    readonly onMissing?: () => void;
  },
): AsyncIterable<DesiredFrame>;

// reports (D4)
export declare function publishReport(
  link: NodeLink,
  report: { readonly id: string; readonly frame: Uint8Array; readonly traceparent?: string },
): Promise<{ readonly sequence: number; readonly duplicate: boolean }>;
export interface ReceivedReport extends NodeName {
  readonly subject: string;
  readonly frame: Uint8Array;
  readonly traceparent?: string;
  readonly deliveries: number;
}
export declare function consumeReports(
  engine: ControlPlaneLink,
  options: {
    readonly durable?: string;
    readonly concurrency?: number;
    /** Resolves after the commit. `refused` is never delivered again; a throw is, after a delay. */
    readonly accept: (report: ReceivedReport) => Promise<'committed' | 'refused'>;
  },
): Promise<{ stop(): Promise<void> }>;

// calls
export interface Answer {
  readonly frame: Uint8Array;
  readonly traceparent?: string;
}
export declare function request(
  link: NodeLink,
  operation: RpcOperation,
  frame: Uint8Array,
  options?: { readonly timeoutMs?: number; readonly traceparent?: string },
): Promise<Answer>;
export interface Call extends NodeName, Answer {
  readonly subject: string;
  readonly operation: RpcOperation;
}
export declare function serveCalls(
  rpc: ControlPlaneLink,
  answer: (call: Call) => Promise<Answer>,
  options?: { readonly queue?: string },
): { stop(): Promise<void> };

// chunks (D2)
/** Null when the stream does not have it. */
export declare function fetchChunk(
  link: NodeLink,
  family: Name,
  digest: Digest,
  options?: { readonly timeoutMs?: number },
): Promise<Uint8Array | null>;
export declare function publishChunk(
  engine: ControlPlaneLink,
  family: Name,
  digest: Digest,
  bytes: Uint8Array,
): Promise<void>;
export declare function hasChunk(engine: ControlPlaneLink, family: Name, digest: Digest): Promise<boolean>;
export declare function removeChunk(engine: ControlPlaneLink, family: Name, digest: Digest): Promise<void>;
