import { join } from 'node:path';
import type { AccountJwts, Authority } from './authority.ts';
import { asSeed } from './seed-claims.ts';
import { SYNC_ALWAYS_SINCE, isAtLeast } from './version-rules.ts';

export interface ServerConfigOptions {
  /** Of the program that will read it, since a server refuses a setting that it does not know. */
  readonly version: string;
  /** Holds the account JWTs in `jwt` and the streams in `jetstream`. */
  readonly dir: string;
  readonly authority: Authority;
  /** What a server without stored claims begins with. They lose against any that were ever pushed: see `asSeed`. */
  readonly accounts: AccountJwts;
  /** Paths of PEM files. With `clientCa` a client shows a certificate of that authority before anything else. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Bytes that all streams together may take; 8 GiB. */
  readonly maxFileBytes?: number;
  /** Needs 2.10 where it is `always`; see `judgeServer`. */
  readonly durability?: 'always' | 'fs-sync' | 'best-effort';
}

const quoted = (text: string): string => JSON.stringify(text);

function tlsBlock(tls: NonNullable<ServerConfigOptions['tls']>): string {
  const client = tls.clientCa ? `, ca_file: ${quoted(tls.clientCa)}, verify: true` : '';
  return `tls: { cert_file: ${quoted(tls.cert)}, key_file: ${quoted(tls.key)}, timeout: 5${client} }`;
}

/** The configuration but for name and address, which whoever starts the server adds. It holds no secret. */
export function renderServerConfig(options: ServerConfigOptions): string {
  const { version, dir, authority, accounts, tls, maxFileBytes = 8 * 1024 ** 3, durability = 'always' } = options;
  const synced = durability === 'always' && isAtLeast(version, SYNC_ALWAYS_SINCE) ? ', sync_interval: always' : '';
  return `operator: ${authority.operatorJwt}
system_account: ${authority.accounts.sys}
resolver: { type: full, dir: ${quoted(join(dir, 'jwt'))}, allow_delete: false, interval: "2m" }
resolver_preload: {
  ${authority.accounts.sys}: ${asSeed(accounts.sys, authority)}
  ${authority.accounts.core}: ${asSeed(accounts.core, authority)}
  ${authority.accounts.edge}: ${asSeed(accounts.edge, authority)}
}
jetstream: { store_dir: ${quoted(dir)}, max_mem: 67108864, max_file: ${maxFileBytes}${synced} }
${tls ? tlsBlock(tls) : ''}
max_payload: 1048576
max_pending: 67108864
max_control_line: 8192
max_connections: 8192
ping_interval: "20s"
ping_max: 2
write_deadline: "10s"
`;
}
