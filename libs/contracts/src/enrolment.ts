import { z } from 'zod';
import { Digest, Instant, Name, NatsUserKey, PublicKey, Version } from './ids.ts';
import { Credentials, KeySet, Nonce } from './rpc.ts';

// How a node joins (K2). The token is made for one site, once, and carries how to reach the network and how to know it.

/** What stands in an enrolment token: `owt1.` and this as base64url JSON. Whoever holds it can enrol one node at the site. */
export const EnrolmentToken = z.strictObject({
  url: z.url(),
  /** SHA-256 of the DER of the certificate authority of `url`. */
  ca: Digest,
  /** Digest of the key set's canonical form. */
  keySet: Digest,
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type EnrolmentToken = z.infer<typeof EnrolmentToken>;

export const encodeEnrolmentToken = (token: EnrolmentToken): string =>
  `owt1.${Buffer.from(JSON.stringify(token)).toString('base64url')}`;

export function decodeEnrolmentToken(text: string): EnrolmentToken | null {
  if (!text.startsWith('owt1.')) return null;
  try {
    const parsed = EnrolmentToken.safeParse(JSON.parse(Buffer.from(text.slice(5), 'base64url').toString('utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Sealed by `identity`, which stands in it: the frame's check proves that the node holds the key. */
export const EnrolRequest = z.strictObject({
  v: z.literal(1),
  nonce: Nonce,
  secret: z.string(),
  node: Name,
  identity: PublicKey,
  control: NatsUserKey,
  bulk: NatsUserKey,
  agentVersion: Version,
  protocol: z.int().min(1),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolReply = z.object({
  v: z.literal(1),
  nonce: Nonce,
  site: Name,
  node: Name,
  keySet: KeySet,
  nats: z.object({ urls: z.array(z.string()).min(1), ca: z.string().nullable() }),
  credentials: Credentials,
  now: Instant,
});
export type EnrolReply = z.infer<typeof EnrolReply>;

/**
 * Both calls carry a sealed frame as `application/octet-stream`, in each direction; a refusal is an `ErrorBody` in JSON. What a
 * frame is sealed for is method and path. An enrolment is answered by a key of the set that the reply itself names, which the
 * node checks against the token's digest; a renewal by a key that the node has pinned, over the node's nonce, so that its
 * time can be trusted too (K3).
 */
export const ENROL_PATH = '/api/v1/enrol';
/** The node is found by the key id in its frame's first line. */
export const RENEW_PATH = '/api/v1/renew';
/** Every set that followed the network's first one, oldest first, each a frame sealed by a member of the one before (K1). */
export const KEY_SETS_PATH = '/api/v1/key-sets';
export const MOST_KEY_SETS = 256;
export const KeySetsReply = z.object({ sets: z.array(z.string().max(4_000)).max(MOST_KEY_SETS) });
export type KeySetsReply = z.infer<typeof KeySetsReply>;
export const sealedFor = (path: string): string => `POST ${path}`;
