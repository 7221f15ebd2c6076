import { z } from 'zod';
import { AssignmentId, Digest, Instant, Name, NatsUserKey, PublicKey, Uuid } from './ids.ts';
import { LedgerHead } from './report.ts';

// Requests of a node and their answers. Both are sealed frames (`libs/trust`): a request by the node's identity key, an answer
// by a key of the network's set. Each answer repeats the request's nonce, so that a kept one is worth nothing.

export const Nonce = z.string().regex(/^[A-Za-z0-9_-]{22}$/);

const request = <T extends z.ZodRawShape>(shape: T) => z.strictObject({ v: z.literal(1), nonce: Nonce, ...shape });
const reply = <T extends z.ZodRawShape>(shape: T) => z.object({ v: z.literal(1), nonce: Nonce, ...shape });

/** R4: leave to activate, alive for `lifetimeMs` from when the node asked. */
export const PermitRequest = request({ assignment: AssignmentId, planHash: Digest, release: Digest });
export type PermitRequest = z.infer<typeof PermitRequest>;

export const PermitRefusal = z.enum([
  'unknownAssignment',
  'planChanged',
  'notProceeding',
  'paused',
  'concurrencyReached',
  'toleratedExceeded',
  'evidenceMissing',
  'gateNotPassed',
  'recalled',
  'rolloutEnded',
  'readOnly',
  'deadlinePassed',
  'policyNotYet',
  'policyExpired',
]);
export type PermitRefusal = z.infer<typeof PermitRefusal>;

export const PermitReply = reply({
  answer: z.discriminatedUnion('granted', [
    z.object({
      granted: z.literal(true),
      assignment: AssignmentId,
      planHash: Digest,
      release: Digest,
      lifetimeMs: z.int().min(1),
    }),
    z.object({ granted: z.literal(false), why: PermitRefusal, retryAfterMs: z.int().min(0) }),
  ]),
});
export type PermitReply = z.infer<typeof PermitReply>;

/** D4: answers when `through` is committed, or after a few seconds with what is. */
export const AckedRequest = request({ through: z.int().min(0) });
export type AckedRequest = z.infer<typeof AckedRequest>;
export const AckedReply = reply({ ackedThrough: z.int().min(0) });
export type AckedReply = z.infer<typeof AckedReply>;

/** Credentials for keys that the node made (K1). Over NATS before they expire; over HTTPS afterwards (K3). */
export const RenewRequest = request({ control: NatsUserKey, bulk: NatsUserKey });
export type RenewRequest = z.infer<typeof RenewRequest>;
export const Credentials = z.object({
  control: z.string().min(1).max(4000),
  bulk: z.string().min(1).max(4000),
  expiresAt: Instant,
  families: z.array(Name),
});
export type Credentials = z.infer<typeof Credentials>;
export const RenewReply = reply({ credentials: Credentials, now: Instant });
export type RenewReply = z.infer<typeof RenewReply>;

/** D5: chunks that the node did not find; the network fills them in again from the artifact store. */
export const RefillRequest = request({ family: Name, manifest: Digest, chunks: z.array(Digest).max(64) });
export type RefillRequest = z.infer<typeof RefillRequest>;
export const RefillReply = reply({ filled: z.int().min(0), retryAfterMs: z.int().min(0) });
export type RefillReply = z.infer<typeof RefillReply>;

/** At each start: what the network last accepted of this node (P8), and its time (K3). */
export const HelloRequest = request({ boot: Uuid, lastSeq: z.int().min(0), ledger: LedgerHead });
export type HelloRequest = z.infer<typeof HelloRequest>;
export const HelloReply = reply({
  now: Instant,
  ackedThrough: z.int().min(0),
  ledger: LedgerHead.nullable(),
  newestSeq: z.int().min(0),
});
export type HelloReply = z.infer<typeof HelloReply>;

export const RpcRefusal = z.object({ v: z.literal(1), nonce: Nonce, refused: z.string().max(64) });
export type RpcRefusal = z.infer<typeof RpcRefusal>;

export const RPC = {
  permit: { request: PermitRequest, reply: PermitReply },
  acked: { request: AckedRequest, reply: AckedReply },
  renew: { request: RenewRequest, reply: RenewReply },
  refill: { request: RefillRequest, reply: RefillReply },
  hello: { request: HelloRequest, reply: HelloReply },
} as const;

/**
 * The keys of the network with which desired states and answers are signed; the first signs. Nodes pin the set, and go on to one
 * with a higher serial when a member of the set that they hold has signed it (K1).
 */
export const KeySet = z.object({
  v: z.literal(1),
  serial: z.int().min(1),
  keys: z.array(PublicKey).min(1).max(8),
});
export type KeySet = z.infer<typeof KeySet>;
