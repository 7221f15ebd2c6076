import { verify } from 'node:crypto';
import type { PublicKey } from '@openward/contracts';
import { keyIdOf, verifyingKey, type SigningKey } from './keys.ts';

// A sealed frame is one line, `ow1 <key id> <signature>`, and then the payload as it is. The signature is over the subject, a
// line feed and the payload's bytes, so that a frame cannot be replayed on another subject; it is checked before a byte of
// the payload is parsed (V1).

const HEAD = /^ow1 ([A-Za-z0-9_-]{16}) ([A-Za-z0-9_-]{86})$/;
/** `ow1 `, 16, a blank and 86. */
const HEAD_LENGTH = 4 + 16 + 1 + 86;
const LINE_FEED = 0x0a;

export type Opened = { readonly payload: Uint8Array; readonly signer: PublicKey } | { readonly refused: FrameRefusal };
export type FrameRefusal = 'notAFrame' | 'unknownKey' | 'signatureInvalid';

const signedBytes = (subject: string, payload: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${subject}\n`), payload]);

/** `subject` is the NATS subject, or method and path of an HTTPS call. */
export function seal(subject: string, payload: Uint8Array | string, key: SigningKey): Uint8Array {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const signature = Buffer.from(key.sign(signedBytes(subject, bytes))).toString('base64url');
  return Buffer.concat([Buffer.from(`ow1 ${keyIdOf(key.publicKey)} ${signature}\n`), bytes]);
}

/** The payload, if one of `keys` signed exactly these bytes for exactly this subject. */
export function open(subject: string, frame: Uint8Array, keys: readonly PublicKey[]): Opened {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (bytes.length <= HEAD_LENGTH || bytes[HEAD_LENGTH] !== LINE_FEED) return { refused: 'notAFrame' };
  const head = HEAD.exec(bytes.toString('latin1', 0, HEAD_LENGTH));
  if (head === null) return { refused: 'notAFrame' };
  const [, keyId, signature] = head;
  const signer = keys.find((key) => keyIdOf(key) === keyId);
  const key = signer === undefined ? null : verifyingKey(signer);
  if (signer === undefined || key === null) return { refused: 'unknownKey' };
  const payload = bytes.subarray(HEAD_LENGTH + 1);
  return verify(null, signedBytes(subject, payload), key, Buffer.from(signature ?? '', 'base64url'))
    ? { payload, signer }
    : { refused: 'signatureInvalid' };
}
