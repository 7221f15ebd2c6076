import { Refusal, type PublicKey } from '@openward/contracts';
import { open, openDocument } from '@openward/trust';
import { z } from 'zod';

// Sealed frames in HTTPS bodies: what a node sends before it has NATS credentials, or after they expired.

const HEAD = /^ow1 ([A-Za-z0-9_-]{16}) [A-Za-z0-9_-]{86}\n/;

/** The key that a frame says it was sealed with. It finds the key to check with, and proves nothing. */
export function keyIdIn(frame: Uint8Array): string {
  const found = HEAD.exec(
    Buffer.from(frame.buffer, frame.byteOffset, Math.min(frame.byteLength, 120)).toString('latin1'),
  );
  if (found?.[1] === undefined) throw new Refusal('signatureInvalid', 'The body is not a sealed frame.');
  return found[1];
}

/** The document in a frame that one of `keys` sealed for this subject (V1). */
export function openSealed<S extends z.ZodType>(
  subject: string,
  frame: Uint8Array,
  keys: readonly PublicKey[],
  schema: S,
): z.output<S> {
  const opened = openDocument(subject, frame, keys, schema);
  if ('value' in opened) return opened.value;
  if (opened.refused === 'notJson' || opened.refused === 'notOfItsSchema') {
    throw new Refusal(
      'badRequest',
      `The sealed document is not as it should be: ${opened.refused} ${opened.detail ?? ''}`.trimEnd(),
    );
  }
  throw new Refusal('signatureInvalid', `The frame's seal does not hold: ${opened.refused}.`);
}

const Identified = z.object({ identity: z.string() });

/**
 * Opens a frame with the key that stands inside it: whoever sealed it holds that key, and nothing more is known. Only the
 * first call of a node is like this; what lets it in is the token.
 */
export function openSelfSealed<S extends z.ZodType>(subject: string, frame: Uint8Array, schema: S): z.output<S> {
  const end = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).indexOf('\n');
  keyIdIn(frame);
  let identity: string | undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(end + 1));
    identity = Identified.safeParse(JSON.parse(text)).data?.identity;
  } catch (cause) {
    throw new Refusal('notJson', 'The sealed document is not JSON.', { cause });
  }
  if (identity === undefined || 'refused' in open(subject, frame, [identity])) {
    throw new Refusal('signatureInvalid', 'The frame is not sealed by the identity that stands in it.');
  }
  return openSealed(subject, frame, [identity], schema);
}
