import { randomBytes } from 'node:crypto';
import {
  decodeEnrolmentToken,
  ENROL_PATH,
  EnrolReply,
  ErrorBody,
  PROTOCOL,
  Refusal,
  sealedFor,
  type EnrolRequest,
} from '@openward/contracts';
import { nextRow } from '@openward/privacy';
import { SqliteLedger, type openNodeDatabase } from '@openward/persistence/node';
import { keySetDigest, openDocument, sealDocument } from '@openward/trust';
import type { z } from 'zod';
import { ensureKeys, readEnrolment, writeEnrolment, type Enrolment } from '../node/identity.ts';
import { AGENT_VERSION } from '../version.ts';
import { fetchPinnedAuthority, postPinned, type PinnedReply } from './pinned-https.ts';

export interface EnrolOptions {
  readonly dataDir: string;
  readonly token: string;
  readonly node: string;
  readonly database: ReturnType<typeof openNodeDatabase>;
  readonly wall: () => number;
}

/** K2: once. The keys are made here; the token's one secret and their public halves are all that leaves. */
export async function enrol(options: EnrolOptions): Promise<Enrolment> {
  const already = readEnrolment(options.dataDir);
  if (already !== null)
    throw new Refusal('conflict', `This node is enrolled already, as ${already.node} of ${already.site}.`);
  const token = decodeEnrolmentToken(options.token);
  if (token === null) throw new Refusal('tokenUnknown', 'This is not an enrolment token.');
  const keys = ensureKeys(options.dataDir);
  const ca = await fetchPinnedAuthority(token.url, token.ca, options.wall());
  const nonce = randomBytes(16).toString('base64url');
  const request: EnrolRequest = {
    v: 1,
    nonce,
    secret: token.secret,
    node: options.node,
    identity: keys.identity.publicKey,
    control: keys.control.publicKey,
    bulk: keys.bulk.publicKey,
    agentVersion: AGENT_VERSION,
    protocol: PROTOCOL,
  };
  const frame = sealDocument(sealedFor(ENROL_PATH), request, keys.identity);
  const ledger = new SqliteLedger(options.database);
  await ledger.append(
    nextRow(await ledger.head(), { kind: 'enrol', subject: sealedFor(ENROL_PATH), bytes: frame, at: options.wall() }),
  );
  const answer = await postPinned(token.url, ENROL_PATH, ca, frame, options.wall());
  const reply = openAnswer(answer, ENROL_PATH, EnrolReply, (body) => body.keySet.keys);
  if (reply.nonce !== nonce || keySetDigest(reply.keySet) !== token.keySet)
    throw new Refusal('signatureInvalid', 'The answer is not from the network that made the token.');
  const enrolment: Enrolment = {
    site: reply.site,
    node: reply.node,
    url: token.url,
    ca,
    keySet: reply.keySet,
    nats: reply.nats,
    credentials: reply.credentials,
    enrolledAt: reply.now,
  };
  writeEnrolment(options.dataDir, enrolment);
  return enrolment;
}

/** The answer may be of the network, by a key that came after those that are pinned (K1). */
export class UnknownKey extends Refusal {}

/** The document of a sealed answer. `keysOf` says which keys may have signed, from what the document itself claims or what is pinned. */
export function openAnswer<S extends z.ZodType>(
  answer: PinnedReply,
  path: string,
  schema: S,
  keysOf: (claimed: z.output<S>) => readonly string[],
): z.output<S> {
  if (answer.status >= 400) throw refusalOf(answer);
  const payload = answer.body.subarray(answer.body.indexOf(0x0a) + 1);
  const claimed = schema.safeParse(parse(payload));
  if (!claimed.success) throw new Refusal('signatureInvalid', 'The answer has not the form that this agent knows.');
  const opened = openDocument(sealedFor(path), answer.body, keysOf(claimed.data), schema);
  if ('refused' in opened && opened.refused === 'unknownKey')
    throw new UnknownKey('signatureInvalid', 'The answer is signed by a key that this node does not know.');
  if ('refused' in opened) throw new Refusal('signatureInvalid', `The answer was refused: ${opened.refused}.`);
  return opened.value;
}

function refusalOf(answer: PinnedReply): Refusal {
  const body = ErrorBody.safeParse(parse(answer.body));
  return body.success
    ? new Refusal(body.data.code, body.data.message, { details: body.data.details })
    : new Refusal('internal', `The control plane answered ${answer.status}.`);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
