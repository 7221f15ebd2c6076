import type { PromptPolicy } from '@openward/contracts';
import { type Enforced, judge } from './judge.ts';
import { lastThatFits } from './length-rule.ts';
import { placed, placedSpans, rewrites } from './marks.ts';
import { byOrder, hitsOf, type Matched } from './matching.ts';
import type { InputDecision, Monotonic, Notice, WholeReply } from './model.ts';
import { withNotices } from './notices.ts';
import { bySpan, type PlacedSpan, START, writeSpans } from './spans.ts';
import { escalations, refusal, refused, strongest, type Texts } from './texts.ts';

export type Go = InputDecision & { readonly kind: 'go' };

/** What the rules of the output stage are, made ready once. */
export interface OutputStage {
  readonly policy: PromptPolicy;
  readonly texts: Texts;
  readonly enforced: Enforced;
}

/** The notices of a reply: escalations of the input, then of the reply, then the disclaimer. */
export function noticesOf({ policy, texts }: OutputStage, input: Go, matched: readonly Matched[]): readonly Notice[] {
  const notices = escalations(input.notices, matched, texts, input.language);
  const { disclaimer } = policy;
  if (disclaimer === null) return notices;
  return [...notices, { kind: 'disclaimer', rule: null, text: texts.of(disclaimer, input.language) }];
}

/** Applies the rules to a reply that is there whole. */
export function applyToReply(
  stage: OutputStage,
  input: Go,
  reply: string,
  finishReason: 'stop' | 'length',
  now: Monotonic,
): WholeReply {
  const judged = judge(stage.enforced, [reply], input, now);
  const matched = (judged.matched[0] ?? []).toSorted(byOrder);
  const hits = hitsOf(matched);
  const notices = noticesOf(stage, input, matched);
  if (judged.failure !== null) throw judged.failure.after({ language: input.language, notices, hits });
  const action = strongest([...input.hits, ...hits]);
  const refusing = refusal(matched, stage.texts, input.language);
  if (refusing !== null) {
    const text = refused(notices, refusing);
    return { text, body: refusing, finishReason: 'contentFilter', hits, action, beside: [] };
  }
  const ends = endsOf(matched, reply);
  const spans = [...placedSpans(matched), ...ends].toSorted(bySpan);
  const body = spans.length === 0 ? reply : writeSpans(reply, 0, START, reply.length, spans).out;
  const { text, beside } = withNotices(stage.policy, body, notices);
  return { text, body, finishReason: ends.length > 0 ? 'length' : finishReason, hits, action, beside };
}

/** Where a reply that is too long ends: all behind its last whole sentence is a span of the rule. */
function endsOf(matched: readonly Matched[], reply: string): readonly PlacedSpan[] {
  return matched.flatMap(({ ready }) => {
    const { match } = ready.rule;
    if (match.kind !== 'length' || !rewrites(ready)) return [];
    return [placed(ready, { start: lastThatFits(reply, match.most), end: reply.length })];
  });
}
