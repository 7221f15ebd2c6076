import type { Digest, Name } from './ids.ts';

// Every NATS subject of the product. The lists of rights in `libs/messaging` are made from these, so that a subject and the
// right to it cannot drift apart. The desired states are a key-value bucket, whose subjects NATS itself prefixes.

export const PREFIX = 'ow.v1';
export const DESIRED_BUCKET = 'desired';
export const DESIRED_STREAM = `KV_${DESIRED_BUCKET}`;
export const REPORT_STREAM = 'OW_REPORTS';
export const CHUNK_STREAM = 'OW_CHUNKS';

export const RpcOperation = ['permit', 'acked', 'renew', 'refill', 'hello'] as const;
export type RpcOperation = (typeof RpcOperation)[number];

export const desiredKey = (site: Name, node: Name): string => `site.${site}.node.${node}`;
export const desiredSubject = (site: Name, node: Name): string => `$KV.${DESIRED_BUCKET}.${desiredKey(site, node)}`;
export const reportSubject = (site: Name, node: Name): string => `${PREFIX}.rpt.${site}.${node}`;
export const rpcSubject = (site: Name, node: Name, operation: RpcOperation): string =>
  `${PREFIX}.rpc.${site}.${node}.${operation}`;
/** The hexadecimal part of the digest is the last token: a colon would be legal, and ugly in every tool. */
export const chunkSubject = (family: Name, digest: Digest): string =>
  `${PREFIX}.chunk.${family}.${digest.slice('sha256:'.length)}`;
export const inboxPrefix = (site: Name, node: Name, connection: 'control' | 'bulk'): string =>
  `_INBOX.${site}.${node}.${connection === 'control' ? 'c' : 'b'}`;

export const REPORT_WILDCARD = `${PREFIX}.rpt.*.*`;
export const RPC_WILDCARD = `${PREFIX}.rpc.>`;
export const CHUNK_WILDCARD = `${PREFIX}.chunk.*.*`;
