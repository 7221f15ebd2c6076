import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';
import { mayMatch } from './may-match.ts';
import { NO_SITE_TERMS } from './model.ts';
import { compileRules } from './rules.ts';
import { generatedRules } from './streams.fixture.ts';
import { policyOf, realisticRules, realisticText, regex, ruleOf } from './testing.ts';

const rulesOf = (patterns: readonly string[]) =>
  compileRules(policyOf(patterns.map((pattern, at) => ruleOf(`r${at}`, regex(pattern)))), NO_SITE_TERMS).rules;

const foldedOf = (text: string) => fold(text, { today: '2026-03-01', language: 'en' });

describe('what may match', () => {
  it('leaves out no rule that matches', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'mg', ' ', '1', 'é', 'ß', '😀', 'B', '\n', '\uD83D'), {
      maxLength: 12,
    });
    let hits = 0;
    for (const rules of generatedRules(8, 60)) {
      const ready = compileRules(policyOf(rules), NO_SITE_TERMS).rules;
      const may = mayMatch(ready);
      fc.assert(
        fc.property(text, (parts) => {
          const folded = foldedOf(parts.join(''));
          const possible = may(folded);
          for (const rule of ready) {
            if (rule.kind !== 'finder' || rule.finder.find(folded).length === 0) continue;
            hits += 1;
            expect(possible).toContain(rule);
          }
        }),
        { seed: 9, numRuns: 60 },
      );
    }
    // The texts are about what the rules look for.
    expect(hits).toBeGreaterThan(1_000);
  });

  it('leaves out what does not match, of fifty nearly all', () => {
    const ready = compileRules(policyOf(realisticRules(50, 'input')), NO_SITE_TERMS).rules;
    expect(mayMatch(ready)(foldedOf(realisticText(4_096)))).toEqual([]);
  });

  // Which of a thousand characters was where: more states than there is room for, so that the automaton is given up.
  it('says that all may match rather than go the slow way', () => {
    const ready = rulesOf(Array.from({ length: 8 }, (_, at) => `[ab]{0,50}a[ab]{5${at}}[c-z]${at}`));
    let state = 1;
    const text = Array.from({ length: 60_000 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state & 0x10000 ? 'a' : 'b';
    }).join('');
    expect(mayMatch(ready)(foldedOf(text))).toEqual(ready);
  });
});
