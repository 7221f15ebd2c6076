import type { PromptPolicy } from '@openward/contracts';
import { type Enforced, judge } from './judge.ts';
import { chooseLanguage } from './language.ts';
import { placedSpans } from './marks.ts';
import { byOrder, hitsOf } from './matching.ts';
import type { CompiledPolicy, InputDecision, PolicyTurn } from './model.ts';
import { bySpan, START, writeSpans } from './spans.ts';
import { escalations, refusal, refused, type Texts } from './texts.ts';

/** Applies the enforced rules of the input stage to every turn, each by itself. */
export function inputStage(
  { languages }: PromptPolicy,
  enforced: Enforced,
  texts: Texts,
): CompiledPolicy['applyInput'] {
  return ({ turns, language: asked, today }, now): InputDecision => {
    const language = chooseLanguage(languages, asked);
    const said = turns.map(({ text }) => text);
    const { matched, failure } = judge(enforced, said, { today, language }, now);
    const found = matched.flat();
    if (found.length === 0 && failure === null) return { kind: 'go', turns, language, today, notices: [], hits: [] };
    const byRule = found.toSorted(byOrder);
    const hits = hitsOf(found);
    const notices = escalations([], byRule, texts, language);
    if (failure !== null) throw failure.after({ language, notices, hits });
    const refusing = refusal(byRule, texts, language);
    if (refusing !== null) return { kind: 'blocked', text: refused(notices, refusing), body: refusing, language, hits };
    const rewritten = turns.map(({ role, text }, at): PolicyTurn => {
      const spans = placedSpans(matched[at] ?? []).toSorted(bySpan);
      return { role, text: writeSpans(text, 0, START, text.length, spans).out };
    });
    return { kind: 'go', turns: rewritten, language, today, notices, hits };
  };
}
