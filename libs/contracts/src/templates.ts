import { z } from 'zod';
import { KEY_SETS_PATH } from './enrolment.ts';
import { NatsUserKey, type Name } from './ids.ts';
import { RpcOperation, desiredSubject, inboxPrefix, reportSubject, rpcSubject } from './subjects.ts';
import { CHUNK_STREAM, DESIRED_STREAM, PREFIX } from './subjects.ts';

// What a node sends on its NATS connections, as frames of the client protocol, and the closed list of those that carry
// nothing the agent composed (P1). Everything else that leaves must be a row of the ledger. Each template is as narrow as the
// frame it is for, so that nothing can be hidden in one: subjects are the node's own, bodies have one form only.

/** One message of the NATS client protocol. Subjects, replies and ids are as they stood on the wire. */
export type ClientFrame =
  | { readonly op: 'CONNECT'; readonly body: string }
  | { readonly op: 'PING' }
  | { readonly op: 'PONG' }
  | { readonly op: 'SUB'; readonly subject: string; readonly queue?: string; readonly sid: string }
  | { readonly op: 'UNSUB'; readonly sid: string; readonly max?: string }
  | { readonly op: 'PUB'; readonly subject: string; readonly reply?: string; readonly payload: Uint8Array }
  | {
      readonly op: 'HPUB';
      readonly subject: string;
      readonly reply?: string;
      /** The header block as sent, from `NATS/1.0` to its empty line. */
      readonly headers: string;
      readonly payload: Uint8Array;
    };

/** The head of an HTTP request that has no body. */
export interface HttpFrame {
  readonly op: 'HTTP';
  readonly method: string;
  /** With its query, if any. */
  readonly path: string;
}

export interface NodeName {
  readonly site: Name;
  readonly node: Name;
}

export const TemplateName = [
  'connect',
  'ping',
  'pong',
  'subscribe',
  'unsubscribe',
  'readDesired',
  'pullDesired',
  'ackDesired',
  'fetchChunk',
  'httpHealth',
  'httpKeySets',
] as const;
export type TemplateName = (typeof TemplateName)[number];

const Connect = z.strictObject({
  protocol: z.literal(1),
  version: z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/),
  lang: z.literal('nats.js'),
  verbose: z.literal(false),
  pedantic: z.literal(false),
  tls_required: z.literal(true).optional(),
  name: z.string(),
  jwt: z.string().regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/),
  nkey: NatsUserKey,
  sig: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
  headers: z.literal(true),
  no_responders: z.literal(true),
});

const nanoseconds = z.int().min(1_000_000).max(3_600_000_000_000);
/** Asks whether the durable is there, and for what it has now. */
const Probe = z.strictObject({ batch: z.literal(1), no_wait: z.literal(true) });
const Pull = z.strictObject({
  batch: z.int().min(1).max(16),
  max_bytes: z.literal(0),
  idle_heartbeat: nanoseconds,
  expires: nanoseconds,
});

/** The value of a text that is the one JSON form of it: no blanks, no member twice, nothing beside the schema. */
function exactJson<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const value: unknown = JSON.parse(text);
    const parsed = schema.safeParse(value);
    return parsed.success && JSON.stringify(value) === text ? parsed.data : null;
  } catch {
    return null;
  }
}

const escaped = (text: string): string => text.replaceAll(/[.$]/g, String.raw`\$&`);
const whole = (pattern: string, text: string): boolean => new RegExp(`^${pattern}$`).test(text);
const text = (payload: Uint8Array): string => Buffer.from(payload).toString('latin1');

/** An inbox that the node made: random, and then, where it is shared, a request's token or a subscription's number. */
const ownInbox = ({ site, node }: NodeName, last: string): string =>
  `${escaped(inboxPrefix(site, node, 'control')).slice(0, -1)}[cb]\\.[A-Za-z0-9]{22}(\\.${last})?`;
const isOwnReply = (self: NodeName, reply: string | undefined): boolean =>
  reply !== undefined && whole(ownInbox(self, '[A-Za-z0-9]{1,8}'), reply);

function matchPublish(frame: Extract<ClientFrame, { op: 'PUB' }>, self: NodeName): TemplateName | null {
  const { subject, reply, payload } = frame;
  const { site, node } = self;
  const isEmpty = payload.length === 0;
  if (subject === `$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject(site, node)}`)
    return isEmpty && isOwnReply(self, reply) ? 'readDesired' : null;
  if (subject === `$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.${node}`)
    return exactJson(z.union([Pull, Probe]), text(payload)) && isOwnReply(self, reply) ? 'pullDesired' : null;
  if (whole(String.raw`\$JS\.ACK\.${DESIRED_STREAM}\.${node}(\.\d{1,20}){5}`, subject))
    return reply === undefined && text(payload) === '+ACK' ? 'ackDesired' : null;
  const chunk = `${escaped(`$JS.API.DIRECT.GET.${CHUNK_STREAM}.${PREFIX}.chunk.`)}[a-z0-9][a-z0-9-]{0,38}\\.[0-9a-f]{64}`;
  return whole(chunk, subject) && isEmpty && isOwnReply(self, reply) ? 'fetchChunk' : null;
}

const HTTP_PATHS: Readonly<Record<string, TemplateName>> = { '/health': 'httpHealth', [KEY_SETS_PATH]: 'httpKeySets' };

/** The template that a frame of this node follows to the last byte; null for what must be in the ledger, or never sent. */
export function matchTemplate(frame: ClientFrame | HttpFrame, self: NodeName): TemplateName | null {
  switch (frame.op) {
    case 'CONNECT':
      return exactJson(Connect, frame.body)?.name === self.node ? 'connect' : null;
    case 'PING':
      return 'ping';
    case 'PONG':
      return 'pong';
    case 'SUB':
      return frame.queue === undefined &&
        /^\d{1,16}$/.test(frame.sid) &&
        whole(ownInbox(self, String.raw`(\*|\d{1,8})`), frame.subject)
        ? 'subscribe'
        : null;
    case 'UNSUB':
      return /^\d{1,16}$/.test(frame.sid) && (frame.max === undefined || /^\d{1,16}$/.test(frame.max))
        ? 'unsubscribe'
        : null;
    case 'PUB':
      return matchPublish(frame, self);
    case 'HPUB':
      return null;
    case 'HTTP':
      return frame.method === 'GET' ? (HTTP_PATHS[frame.path] ?? null) : null;
  }
}

/** The part of a frame that the agent composed: a sealed frame, which is a row of the ledger. */
export type ComposedFrame = {
  readonly payload: Uint8Array;
  /** Of the node's own trace (G4). */
  readonly traceparent?: string;
} & ({ readonly kind: 'report'; readonly id: string } | { readonly kind: 'rpc'; readonly operation: RpcOperation });

const TRACE = String.raw`(?:traceparent: (?<trace>00-[0-9a-f]{32}-[0-9a-f]{16}-0[01])\r\n)?`;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** The payload of a report or a call of this node; null when anything but the known headers stands around it. */
export function composedFrame(frame: ClientFrame, self: NodeName): ComposedFrame | null {
  if ((frame.op !== 'PUB' && frame.op !== 'HPUB') || !isOwnReply(self, frame.reply)) return null;
  const { site, node } = self;
  const headers = frame.op === 'HPUB' ? frame.headers : '';
  const trace = (found: RegExpExecArray | null): { traceparent?: string } =>
    found?.groups?.['trace'] === undefined ? {} : { traceparent: found.groups['trace'] };
  if (frame.subject === reportSubject(site, node)) {
    const found = new RegExp(`^NATS/1\\.0\\r\\n${TRACE}Nats-Msg-Id: ${node}:(?<id>${UUID})\\r\\n\\r\\n$`).exec(headers);
    const id = found?.groups?.['id'];
    return id === undefined ? null : { kind: 'report', id, payload: frame.payload, ...trace(found) };
  }
  const operation = RpcOperation.find((name) => frame.subject === rpcSubject(site, node, name));
  if (operation === undefined) return null;
  if (headers === '') return { kind: 'rpc', operation, payload: frame.payload };
  const found = new RegExp(`^NATS/1\\.0\\r\\n${TRACE}\\r\\n$`).exec(headers);
  return found === null ? null : { kind: 'rpc', operation, payload: frame.payload, ...trace(found) };
}
