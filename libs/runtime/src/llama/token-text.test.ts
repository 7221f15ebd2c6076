import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { TokenText } from './token-text.ts';

/** A vocabulary whose tokens are bytes, as every byte-level one falls back to. */
const fromBytes = (tokens: readonly number[]): string => Buffer.from(tokens).toString('utf8');

const all = (tokens: Iterable<number>): string => {
  const text = new TokenText(fromBytes, [...Buffer.from('<ans>')]);
  return [...tokens].map((token) => text.add(token)).join('') + text.finish();
};

describe('the text of tokens', () => {
  test('holds the bytes of a character until it is whole', () => {
    const text = new TokenText(fromBytes, []);
    expect([...Buffer.from('né€🩺')].map((byte) => text.add(byte))).toEqual([
      'n',
      '',
      'é',
      '',
      '',
      '€',
      '',
      '',
      '',
      '🩺',
    ]);
  });

  test('is any text again, token by token', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => all(Buffer.from(text)) === text));
  });

  test('drops a character that was never finished', () => {
    expect(all(Buffer.from('a€').subarray(0, 3))).toBe('a');
  });

  test('reads a token in the light of the one before it', () => {
    const spaced = (tokens: readonly number[]): string => tokens.map((token) => `w${token}`).join(' ');
    const text = new TokenText(spaced, [1]);
    expect([text.add(2), text.add(3)]).toEqual([' w2', ' w3']);
  });
});
