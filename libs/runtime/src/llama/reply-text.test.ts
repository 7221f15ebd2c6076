import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ReplyText } from './reply-text.ts';

const all = (reply: ReplyText, pieces: readonly string[]): string =>
  pieces.map((piece) => reply.add(piece)).join('') + reply.finish();

describe('the text of a reply', () => {
  test('leaves as it comes where nothing could be a stop string', () => {
    const reply = new ReplyText(['END'], false);
    expect(reply.add('one ')).toBe('one ');
    expect(reply.add('two')).toBe('two');
  });

  test('is held while it could become a stop string, and goes on when it does not', () => {
    const reply = new ReplyText(['END'], false);
    expect(reply.add('the E')).toBe('the ');
    expect(reply.add('N')).toBe('');
    expect(reply.add('T')).toBe('ENT');
    expect(reply.isStopped).toBe(false);
  });

  test('ends before the first of several stop strings, for good', () => {
    const reply = new ReplyText(['two', 'one'], false);
    expect(reply.add('zero one two')).toBe('zero ');
    expect(reply.isStopped).toBe(true);
    expect(reply.add('three') + reply.finish()).toBe('');
  });

  test('loses the white space at its end where that is to be trimmed', () => {
    expect(all(new ReplyText([], true), ['a ', '\n', 'b', ' \n\n'])).toBe('a \nb');
    expect(all(new ReplyText(['\n\n\n\n'], true), ['{}', '\n\n', '\n\n', 'x'])).toBe('{}');
  });

  test('is the same however it is cut in pieces, and ends where a search of the whole finds the stop', () => {
    const few = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 }), { maxLength: 8 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(few, stops, (pieces, stop) => {
        const whole = pieces.join('');
        const got = all(new ReplyText(stop, false), pieces);
        const found = stop.map((text) => whole.indexOf(text)).filter((at) => at >= 0);
        if (found.length === 0) expect(got).toBe(whole);
        else {
          expect(whole.startsWith(got)).toBe(true);
          expect(stop.some((text) => whole.startsWith(got + text))).toBe(true);
          expect(stop.every((text) => !got.includes(text))).toBe(true);
        }
      }),
    );
  });
});
