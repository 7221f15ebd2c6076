import {
  CHUNK_STREAM,
  CHUNK_WILDCARD,
  DESIRED_BUCKET,
  DESIRED_STREAM,
  REPORT_STREAM,
  desiredSubject,
  type NodeName,
} from '@openward/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type ConsumerInfo,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { EngineLink } from './connect-control-plane.ts';
import { REPORT_SUBJECTS } from './rights.ts';
import { REGRESS_HEALED_SINCE, isAtLeast } from './version-rules.ts';

// Everything in JetStream can be made again, from PostgreSQL and the artifact store (D5). `ensureAll` runs at each start and
// after each reconnect, on every replica at once, and changes nothing where nothing is missing.

export interface ProvisionSettings {
  readonly reportMaxBytes: number;
  /** The chunk stream is a cache of this size; when it is full, publishing fails and nothing is lost. */
  readonly chunkMaxBytes: number;
  readonly replicas: number;
}

export const PROVISION_SETTINGS: ProvisionSettings = {
  reportMaxBytes: 1024 ** 3,
  chunkMaxBytes: 4 * 1024 ** 3,
  replicas: 1,
};

export interface Provisioned {
  /** Streams and durables that were missing. */
  readonly made: readonly string[];
  /** Durables that stood beyond the end of their stream, and would have skipped what comes next; streams of an older form. */
  readonly remade: readonly string[];
}

type NamedStream = Partial<StreamConfig> & Pick<StreamConfig, 'name'>;

const HOURS = 3_600_000;

/**
 * Reports of one node that wait to be taken. The server refuses any more, to that node alone, and its outbox sends them again (D4);
 * so nobody's report waits behind more than this many of another's. As many as an outbox sends before it asks what was taken.
 */
export const REPORTS_WAITING = 64;

function streams(settings: ProvisionSettings): readonly NamedStream[] {
  const common = { storage: StorageType.File, num_replicas: settings.replicas };
  return [
    {
      ...common,
      // A key-value bucket with a history of one. No rollup: one message could wipe it.
      name: DESIRED_STREAM,
      subjects: [`$KV.${DESIRED_BUCKET}.>`],
      max_msgs_per_subject: 1,
      max_msg_size: 512 * 1024,
      discard: DiscardPolicy.New,
      allow_direct: true,
      allow_rollup_hdrs: false,
      deny_delete: true,
      deny_purge: false,
    },
    {
      ...common,
      // What was taken goes, so that what is counted is what waits. Full, it refuses what comes and drops nothing that is there.
      name: REPORT_STREAM,
      subjects: [REPORT_SUBJECTS],
      retention: RetentionPolicy.Workqueue,
      max_msgs_per_subject: REPORTS_WAITING,
      discard_new_per_subject: true,
      max_msg_size: 256 * 1024,
      max_bytes: settings.reportMaxBytes,
      max_age: nanos(7 * 24 * HOURS),
      duplicate_window: nanos(HOURS / 4),
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: false,
      deny_delete: true,
      deny_purge: true,
    },
    {
      ...common,
      // It can be pruned and repaired, so deleting stays possible: nodes cannot reach its API.
      name: CHUNK_STREAM,
      subjects: [CHUNK_WILDCARD],
      max_msgs_per_subject: 1,
      max_msg_size: 1024 * 1024,
      max_bytes: settings.chunkMaxBytes,
      discard: DiscardPolicy.New,
      allow_direct: true,
    },
  ];
}

const isApiError = (error: unknown, ...codes: number[]): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);

/**
 * No server changes how long a stream keeps its messages. One of an older form goes, with what it held: desired states and
 * chunks are put again, and nodes send again what was not committed (D4, D5).
 */
async function ensureStream({ jsm }: EngineLink, config: NamedStream): Promise<'there' | 'made' | 'remade'> {
  const found = await jsm.streams.info(config.name).catch((error: unknown) => {
    if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return null;
    throw error;
  });
  const isOlder = found !== null && found.config.retention !== (config.retention ?? RetentionPolicy.Limits);
  if (found !== null && !isOlder) {
    await jsm.streams.update(config.name, config);
    return 'there';
  }
  if (isOlder) await jsm.streams.delete(config.name);
  await jsm.streams.add(config);
  return isOlder ? 'remade' : 'made';
}

/** No threshold of inactivity: a node may be away for long, and its durable goes only with the node. */
const nodeDurable = ({ site, node }: NodeName): Partial<ConsumerConfig> => ({
  durable_name: node,
  filter_subject: desiredSubject(site, node),
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.LastPerSubject,
  max_ack_pending: 8,
  // A delivery that went to a connection which was just being renewed comes again after this.
  ack_wait: nanos(5_000),
  max_waiting: 16,
});

async function removeDurable({ jsm }: EngineLink, stream: string, durable: string): Promise<void> {
  try {
    await jsm.consumers.delete(stream, durable);
  } catch (error) {
    if (!isApiError(error, JetStreamApiCodes.ConsumerNotFound, JetStreamApiCodes.StreamNotFound)) throw error;
  }
}

async function listDurables({ jsm }: EngineLink, stream: string): Promise<Map<string, ConsumerInfo>> {
  const found = new Map<string, ConsumerInfo>();
  for await (const info of jsm.consumers.list(stream)) found.set(info.name, info);
  return found;
}

/** A stream that lost its end (a power cut) has sequences below what its durables took already; they would wait for them. */
async function removeAheadOfStream(engine: EngineLink, stream: string): Promise<string[]> {
  if (isAtLeast(engine.serverVersion, REGRESS_HEALED_SINCE)) return [];
  const { state } = await engine.jsm.streams.info(stream);
  const ahead = [...(await listDurables(engine, stream)).values()].filter(
    ({ ack_floor, delivered }) => Math.max(ack_floor.stream_seq, delivered.stream_seq) > state.last_seq,
  );
  for (const { name } of ahead) await removeDurable(engine, stream, name);
  return ahead.map(({ name }) => `${stream}.${name}`);
}

/** Makes what is missing: streams, the bucket, and each node's durable. */
export async function ensureAll(
  engine: EngineLink,
  nodes: readonly NodeName[],
  settings: Partial<ProvisionSettings> = {},
): Promise<Provisioned> {
  await engine.whenConnected();
  const made: string[] = [];
  const older: string[] = [];
  for (const config of streams({ ...PROVISION_SETTINGS, ...settings })) {
    const became = await ensureStream(engine, config);
    if (became !== 'there') (became === 'made' ? made : older).push(config.name);
  }
  const remade = [
    ...older,
    ...(await removeAheadOfStream(engine, DESIRED_STREAM)),
    ...(await removeAheadOfStream(engine, REPORT_STREAM)),
  ];
  const durables = await listDurables(engine, DESIRED_STREAM);
  for (const node of nodes) {
    const known = durables.get(node.node);
    if (known?.config.filter_subject === desiredSubject(node.site, node.node)) continue;
    await ensureNode(engine, node);
    if (!remade.includes(`${DESIRED_STREAM}.${node.node}`)) made.push(`${DESIRED_STREAM}.${node.node}`);
  }
  return { made, remade };
}

/** When a node is enrolled. One that stood for another site is made anew. */
export async function ensureNode(engine: EngineLink, node: NodeName): Promise<void> {
  const config = nodeDurable(node);
  const info = await engine.jsm.consumers.info(DESIRED_STREAM, node.node).catch((error: unknown) => {
    if (isApiError(error, JetStreamApiCodes.ConsumerNotFound)) return null;
    throw error;
  });
  if (info?.config.filter_subject === config.filter_subject) return;
  if (info) await removeDurable(engine, DESIRED_STREAM, node.node);
  await engine.jsm.consumers.add(DESIRED_STREAM, config);
}

/** When a node is revoked for good: its durable and its desired state go. */
export async function removeNode(engine: EngineLink, { site, node }: NodeName): Promise<void> {
  await removeDurable(engine, DESIRED_STREAM, node);
  await engine.jsm.streams.purge(DESIRED_STREAM, { filter: desiredSubject(site, node) });
}
