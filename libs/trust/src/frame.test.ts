import { z } from 'zod';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openDocument, padded, sealDocument } from './document.ts';
import { open, seal } from './frame.ts';
import { generateSeed, generateSigningKey, keySetDigest, signingKeyFromSeed } from './keys.ts';

const key = generateSigningKey();
const other = generateSigningKey();

describe('a sealed frame', () => {
  test('V1 gives back exactly the bytes that were sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (payload) => {
        const opened = open('a.b', seal('a.b', payload, key), [other.publicKey, key.publicKey]);
        expect(opened).toEqual({ payload: Buffer.from(payload), signer: key.publicKey });
      }),
    );
  });

  test('V1 is refused when any one byte is changed', () => {
    const frame = seal('a.b', 'payload', key);
    for (let at = 0; at < frame.length; at++) {
      const changed = Uint8Array.from(frame);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect(open('a.b', changed, [key.publicKey]), `byte ${at}`).toHaveProperty('refused');
    }
  });

  test('is refused on another subject, with another key, and when it is no frame', () => {
    const frame = seal('a.b', 'payload', key);
    expect(open('a.c', frame, [key.publicKey])).toEqual({ refused: 'signatureInvalid' });
    expect(open('a.b', frame, [other.publicKey])).toEqual({ refused: 'unknownKey' });
    expect(open('a.b', new Uint8Array(), [key.publicKey])).toEqual({ refused: 'notAFrame' });
    expect(open('a.b', Buffer.from('x'.repeat(500)), [key.publicKey])).toEqual({ refused: 'notAFrame' });
  });

  test('a subject cannot be moved into the payload', () => {
    const frame = seal('a', 'b\npayload', key);
    expect(open('a\nb', frame, [key.publicKey])).toHaveProperty('refused');
  });
});

describe('a sealed document', () => {
  const schema = z.object({ n: z.int() });

  test('is parsed only after its signature held', () => {
    const forged = seal('s', 'not json', other);
    expect(openDocument('s', forged, [key.publicKey], schema)).toEqual({ refused: 'unknownKey' });
    expect(openDocument('s', seal('s', 'not json', key), [key.publicKey], schema)).toEqual({ refused: 'notJson' });
    expect(openDocument('s', seal('s', '{"n":"x"}', key), [key.publicKey], schema)).toEqual({
      refused: 'notOfItsSchema',
      detail: 'n',
    });
  });

  test('P6 is padded with blanks that JSON does not see', () => {
    const frame = sealDocument('s', { n: 1 }, key, 1024);
    const opened = openDocument('s', frame, [key.publicKey], schema);
    expect(opened).toMatchObject({ value: { n: 1 } });
    expect('payload' in opened && opened.payload.length).toBe(1024);
    expect(padded('x'.repeat(1024), 1024)).toHaveLength(1024);
  });
});

test('a key made from its seed is the same key, and a damaged seed is no key', () => {
  const seed = generateSeed();
  expect(signingKeyFromSeed(seed).publicKey).toBe(signingKeyFromSeed(`${seed}\n`).publicKey);
  expect(() => signingKeyFromSeed(seed.slice(2))).toThrow('32 bytes');
});

test('K2 the digest of a key set does not depend on how it was written', () => {
  expect(keySetDigest({ v: 1, serial: 1, keys: [key.publicKey] })).toBe(
    keySetDigest({ keys: [key.publicKey], serial: 1, v: 1 }),
  );
});
