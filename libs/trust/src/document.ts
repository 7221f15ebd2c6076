import type { PublicKey } from '@openward/contracts';
import type { z } from 'zod';
import { open, seal, type FrameRefusal } from './frame.ts';
import type { SigningKey } from './keys.ts';

/** Seals a value as JSON. `padTo` fills up with blanks to a multiple, so that a length says little (P6). */
export function sealDocument(subject: string, value: unknown, key: SigningKey, padTo = 1): Uint8Array {
  return seal(subject, padded(JSON.stringify(value), padTo), key);
}

export function padded(json: string, multiple: number): string {
  const length = Buffer.byteLength(json);
  return json + ' '.repeat((multiple - (length % multiple)) % multiple);
}

export type OpenedDocument<T> =
  | { readonly value: T; readonly signer: PublicKey; readonly payload: Uint8Array }
  | { readonly refused: FrameRefusal | 'notJson' | 'notOfItsSchema'; readonly detail?: string };

/** Verifies, then parses. What the schema does with unknown fields is the schema's: nodes' ignore them, the control plane's refuse (V1). */
export function openDocument<S extends z.ZodType>(
  subject: string,
  frame: Uint8Array,
  keys: readonly PublicKey[],
  schema: S,
): OpenedDocument<z.output<S>> {
  const opened = open(subject, frame, keys);
  if ('refused' in opened) return opened;
  const parsed = parseJson(opened.payload);
  if (parsed === undefined) return { refused: 'notJson' };
  const result = schema.safeParse(parsed.json);
  if (!result.success) return { refused: 'notOfItsSchema', detail: result.error.issues[0]?.path.join('.') ?? '' };
  return { value: result.data, signer: opened.signer, payload: opened.payload };
}

function parseJson(bytes: Uint8Array): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown };
  } catch {
    return undefined;
  }
}
