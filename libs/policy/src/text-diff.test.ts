import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allPairs, diffLines, differenceText, type DiffLine } from './text-diff.ts';

const shown = (lines: DiffLine[]): string[] =>
  lines.map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+' }[kind]}${text}`);
const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 }).map((it) => it.join('\n'));

describe('two texts, line by line', () => {
  it('keep what is the same, with what is removed before what is added', () => {
    expect(shown(diffLines('a\nb\nc\nd', 'a\nx\nc\nd\ne'))).toEqual([' a', '-b', '+x', ' c', ' d', '+e']);
    expect(shown(diffLines('', 'a'))).toEqual(['+a']);
    expect(diffLines('', '')).toEqual([]);
  });

  it('each stand whole in the difference', () => {
    fc.assert(
      fc.property(text, text, (from, to) => {
        const lines = diffLines(from, to);
        const side = (other: DiffLine['kind']): string =>
          lines.flatMap((it) => (it.kind === other ? [] : [it.text])).join('\n');
        expect([side('added'), side('removed')]).toEqual([from, to]);
        if (from === to) expect(lines.every(({ kind }) => kind === 'same')).toBe(true);
      }),
    );
  });

  it('cost no more than their length where they are long and have nothing in common', () => {
    const many = (letter: string): string => Array.from({ length: 20_000 }, (_, at) => letter + at).join('\n');
    expect(diffLines(many('a'), many('b'))).toHaveLength(40_000);
  });

  it('are compared until the pairs of lines of one difference are spent, however many texts a policy has', () => {
    const lines = (letters: string): string => Array.from({ length: 301 }, (_, at) => letters[at % 3]).join('\n');
    const left = allPairs();
    const compared = Array.from({ length: 30 }, () => diffLines(lines('abc'), lines('cbd'), left)).map((it) =>
      it.some(({ kind }) => kind === 'same'),
    );
    expect(compared).toEqual(compared.map((_, at) => at < 11));
    expect(left.pairs).toBeGreaterThanOrEqual(0);
  });
});

describe('the difference of two texts', () => {
  it('is the part that differs, with a little around it', () => {
    expect(differenceText('Call 112 now.', 'Call 999 now.')).toBe('expected “Call 112 now.”, got “Call 999 now.”');
    const [before, after] = ['b'.repeat(100), 'a'.repeat(100)];
    expect(differenceText(`${before}112${after}`, `${before}${after}`)).toBe(
      `expected “…${'b'.repeat(24)}112${'a'.repeat(24)}…”, got “…${'b'.repeat(24)}${'a'.repeat(24)}…”`,
    );
    expect(differenceText('', 'x'.repeat(500)).length).toBeLessThan(200);
  });
});

it('shows ends of lines by a sign, and that sign, where it is the text’s own, spelt', () => {
  expect(differenceText('a\n\nb⏎', 'a\n\nc⏎')).toBe('expected “a⏎⏎b\\u{23CE}”, got “a⏎⏎c\\u{23CE}”');
});
