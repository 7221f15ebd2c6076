import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { plainPolicy, type PromptPolicy } from '@openward/contracts';
import { describePolicy } from './describe.ts';
import { policyOf, ruleOf } from './testing.ts';
import { hidesMark, inQuotes, visible, visiblePattern } from './visible.ts';

/** Every text of so many of these parts, once. */
function textsOf(parts: readonly string[], most: number): readonly string[] {
  const all = new Set(['']);
  let longest = [''];
  for (let length = 0; length < most; length += 1) {
    longest = longest.flatMap((text) => parts.map((part) => text + part));
    for (const text of longest) all.add(text);
  }
  return [...all];
}

const NASTY = ['\\', 'u{5C}', 'u{200B}', 'x{AD}', '\u200B', '\u00AD', ' ', '\u00A0', '\n', '“', '"', 'a'];
const nasty = textsOf(NASTY, 3);

const different = (of: (text: string) => string): number => new Set(nasty.map(of)).size;

describe('what a policy wrote, as it is read', () => {
  it.each([
    ['a text', visible],
    ['a text in quotation marks', inQuotes],
  ])('two that read the same are the same: %s', (_, of) => {
    expect(different(of)).toBe(nasty.length);
  });

  const plain = plainPolicy('', { id: 'wards' });
  const block = (phrase: string): PromptPolicy =>
    policyOf([ruleOf('one', { kind: 'topic', phrases: { en: [phrase, 'b'] } })]);
  it.each([
    ['system prompts', (text: string): PromptPolicy => ({ ...plain, systemPrompt: text })],
    ['texts', (text: string): PromptPolicy => ({ ...plain, texts: { one: { en: text } } })],
    ['phrases', block],
    [
      'descriptions of rules',
      (text: string): PromptPolicy =>
        policyOf([ruleOf('one', { kind: 'length', most: 1 }, { description: `d${text}d` })]),
    ],
    [
      'what stands in the place of a match',
      (text: string): PromptPolicy =>
        policyOf([
          ruleOf(
            'one',
            { kind: 'regex', pattern: 'a', ignoreCase: true },
            { action: { does: 'redact', marker: text } },
          ),
        ]),
    ],
  ] as const)('equal descriptions imply equal policies: %s', (_, of) => {
    expect(different((text) => describePolicy(of(text), null))).toBe(nasty.length);
  });

  it('a pattern as it is read means what it means as it was written, or hides a mark and is refused', () => {
    const patterns = textsOf(['\\Q', '\\E', '\u00AD', 'a', '[', ']', '\\', '{2}'], 5);
    let seen = 0;
    for (const pattern of patterns.filter((it) => it.includes('\u00AD') && !hidesMark(it))) {
      const made = programOf(pattern);
      if (made === null) continue;
      seen += 1;
      expect([pattern, programOf(visiblePattern(pattern))]).toEqual([pattern, made]);
    }
    expect(seen).toBeGreaterThan(500);
  });

  it.each(['\\Qa\u00ADb\\E', '\\Q\u00AD', 'a\\\u00AD', '\\Qa  b\\E'])('%j hides a mark', (pattern) => {
    expect(hidesMark(pattern)).toBe(true);
  });

  it.each(['\\Qa\\E\u00AD', '\\\\\u00AD', '[\u00AD]', '\\Qa b\\E  '])('%j hides none', (pattern) => {
    expect(hidesMark(pattern)).toBe(false);
  });
});

function programOf(pattern: string): string | null {
  try {
    const { inst } = RE2JS.compile(pattern).re2Input.prog as {
      readonly inst: readonly {
        readonly op: number;
        readonly out: number;
        readonly arg: number;
        readonly runes: ArrayLike<number>;
      }[];
    };
    return JSON.stringify(inst.map(({ op, out, arg, runes }) => [op, out, arg, Array.from(runes)]));
  } catch {
    return null;
  }
}
