import type { PromptPolicy, RuleId } from '@openward/contracts';
import { fold } from './fold.ts';
import type { Enforced } from './judge.ts';
import { chooseLanguage } from './language.ts';
import { allowance, forAll, groupOf, hitsOf, type Matched, matchEach } from './matching.ts';
import { type CompiledPolicy, PolicyFailure } from './model.ts';
import type { ReadyRule } from './rules.ts';

// Rules that only count. They are never asked on a request's way, and take little of a process that others wait for.

/** So much text, in UTF-16 units, is read for a count; what is longer is left out whole, since half of a text is another text. */
export const MOST_WATCHED = 262_144;

/** For all rules of one question or one reply, in milliseconds. One that is not done by then has failed, and nobody else. */
const MOST_WATCHED_MS = 30;

export function watching(
  { languages }: PromptPolicy,
  all: readonly ReadyRule[],
  enforced: { readonly input: Enforced; readonly output: Enforced },
): CompiledPolicy['watch'] {
  const inShadow = (stage: 'input' | 'output') =>
    groupOf(all.filter(({ rule }) => rule.stage === stage && rule.mode === 'shadow'));
  const shadow = { input: inShadow('input'), output: inShadow('output') };
  return ({ whose, stage, texts, language: asked, today }, now) => {
    const groups = whose === 'shadow' ? [] : [enforced[stage].flags, enforced[stage].others];
    const asking = [...groups, shadow[stage]].filter(({ rules }) => rules.length > 0);
    const [first] = asking.flatMap(({ rules }) => rules);
    if (first === undefined || texts.reduce((sum, { length }) => sum + length, 0) > MOST_WATCHED) return null;
    const allowed = allowance(now, MOST_WATCHED_MS);
    const failed = new Set<RuleId>();
    const matched: Matched[] = [];
    const allFail = (rules: readonly ReadyRule[], act: () => void): void => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof PolicyFailure)) throw error;
        for (const { rule } of rules) failed.add(rule.id);
      }
    };
    const everything = asking.flatMap(({ rules }) => rules);
    allFail(everything, () => {
      const given = { today, language: chooseLanguage(languages, asked) };
      const folded = forAll(first, allowed, () => texts.map((text) => fold(text, given)));
      for (const text of folded)
        for (const group of asking)
          allFail(group.rules, () =>
            matched.push(...matchEach(group, text, allowed, 1, ({ rule }) => void failed.add(rule))),
          );
    });
    return { hits: hitsOf(matched), failed: [...failed] };
  };
}
