import type { PromptPolicy } from '@openward/contracts';
import { fold } from './fold.ts';
import { chooseLanguage } from './language.ts';
import { placedSpans } from './marks.ts';
import { allowance, hitsOf, type Matched, matchRules, matchShadow } from './matching.ts';
import { mayMatch } from './may-match.ts';
import type { CompiledPolicy, FoldedText, InputDecision, Monotonic, PolicyTurn } from './model.ts';
import type { ReadyRule } from './rules.ts';
import { bySpan, START, writeSpans } from './spans.ts';
import { escalations, refusal, refused, type Texts } from './texts.ts';

/** Applies the rules of the input stage to every turn, each by itself. */
export function inputStage(
  { languages }: PromptPolicy,
  all: readonly ReadyRule[],
  texts: Texts,
): CompiledPolicy['applyInput'] {
  const rules = all.filter(({ rule }) => rule.stage === 'input');
  const enforced = rules.filter(({ rule }) => rule.mode === 'enforce');
  const shadow = rules.filter(({ rule }) => rule.mode === 'shadow');
  const mayHit = mayMatch(enforced);
  const mayHitInShadow = mayMatch(shadow);
  const inShadowOf = (texts: readonly FoldedText[], now: Monotonic): readonly Matched[] => {
    const allowed = allowance(now);
    return texts.flatMap((text) => matchShadow(shadow, mayHitInShadow, text, allowed));
  };
  return ({ turns, language: asked, today }, now): InputDecision => {
    const language = chooseLanguage(languages, asked);
    const allowed = allowance(now);
    const folded = rules.length === 0 ? [] : turns.map(({ text }) => fold(text, { today, language }));
    const matched = folded.map((text) => matchRules(enforced, mayHit, text, allowed));
    const rewritten = turns.map(({ role, text }, at): PolicyTurn => {
      const spans = placedSpans(matched[at] ?? []).toSorted(bySpan);
      return { role, text: writeSpans(text, 0, START, text.length, spans).out };
    });
    const found = matched.flat();
    const byRule = found.toSorted((one, other) => one.ready.order - other.ready.order);
    const inShadow = inShadowOf(folded, now);
    const hits = hitsOf([...found, ...inShadow]);
    const notices = escalations([], byRule, texts, language);
    const refusing = refusal(byRule, texts, language);
    return refusing === null
      ? { kind: 'go', turns: rewritten, language, today, notices, hits }
      : { kind: 'blocked', text: refused(notices, refusing), body: refusing, language, hits };
  };
}
