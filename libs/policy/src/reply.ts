import type { PromptPolicy } from '@openward/contracts';
import { fold } from './fold.ts';
import { lastThatFits } from './length-rule.ts';
import { placed, placedSpans, rewrites } from './marks.ts';
import { allowance, hitsOf, type Matched, matchRules, matchShadow } from './matching.ts';
import { mayMatch, type MayMatch } from './may-match.ts';
import type { FoldedText, InputDecision, Monotonic, Notice, WholeReply } from './model.ts';
import { withNotices } from './notices.ts';
import type { ReadyRule } from './rules.ts';
import { bySpan, type PlacedSpan, START, writeSpans } from './spans.ts';
import { escalations, refusal, refused, strongest, type Texts } from './texts.ts';

export type Go = InputDecision & { readonly kind: 'go' };

/** So much of a reply, in UTF-16 units, is judged by rules in shadow: they are asked when it has ended, and it is kept for them. */
export const MOST_IN_SHADOW = 1_048_576;

/** What the rules of the output stage are, made ready once. */
export interface OutputStage {
  readonly policy: PromptPolicy;
  readonly texts: Texts;
  readonly enforced: readonly ReadyRule[];
  readonly shadow: readonly ReadyRule[];
  readonly mayHit: MayMatch;
  readonly mayHitInShadow: MayMatch;
}

export function outputStage(policy: PromptPolicy, all: readonly ReadyRule[], texts: Texts): OutputStage {
  const rules = all.filter(({ rule }) => rule.stage === 'output');
  const enforced = rules.filter(({ rule }) => rule.mode === 'enforce');
  const shadow = rules.filter(({ rule }) => rule.mode === 'shadow');
  return { policy, texts, enforced, shadow, mayHit: mayMatch(enforced), mayHitInShadow: mayMatch(shadow) };
}

/** The notices of a reply: escalations of the input, then of the reply, then the disclaimer. */
export function noticesOf({ policy, texts }: OutputStage, input: Go, matched: readonly Matched[]): readonly Notice[] {
  const notices = escalations(input.notices, matched, texts, input.language);
  const { disclaimer } = policy;
  if (disclaimer === null) return notices;
  return [...notices, { kind: 'disclaimer', rule: null, text: texts.of(disclaimer, input.language) }];
}

/** What rules in shadow would have hit. */
export function shadowOf(stage: OutputStage, input: Go, reply: string, now: Monotonic): readonly Matched[] {
  return stage.shadow.length === 0 ? [] : shadowIn(stage, fold(reply.slice(0, MOST_IN_SHADOW), input), now);
}

const shadowIn = ({ shadow, mayHitInShadow }: OutputStage, text: FoldedText, now: Monotonic): readonly Matched[] =>
  matchShadow(shadow, mayHitInShadow, text, allowance(now));

/** What hits a whole reply, which is folded once for all; and not at all where no rule would read it. */
function hitsIn(
  stage: OutputStage,
  input: Go,
  reply: string,
  now: Monotonic,
): { readonly matched: readonly Matched[]; readonly inShadow: readonly Matched[] } {
  if (stage.enforced.length === 0) return { matched: [], inShadow: shadowOf(stage, input, reply, now) };
  const text = fold(reply, input);
  const matched = matchRules(stage.enforced, stage.mayHit, text, allowance(now));
  const inShadow = reply.length > MOST_IN_SHADOW ? shadowOf(stage, input, reply, now) : shadowIn(stage, text, now);
  return { matched, inShadow };
}

/** Applies the rules to a reply that is there whole. */
export function applyToReply(
  stage: OutputStage,
  input: Go,
  reply: string,
  finishReason: 'stop' | 'length',
  now: Monotonic,
): WholeReply {
  const { matched, inShadow } = hitsIn(stage, input, reply, now);
  const hits = hitsOf([...matched, ...inShadow]);
  const action = strongest([...input.hits, ...hits]);
  const notices = noticesOf(stage, input, matched);
  const refusing = refusal(matched, stage.texts, input.language);
  if (refusing !== null) {
    const text = refused(notices, refusing);
    return { text, body: refusing, finishReason: 'contentFilter', hits, action, beside: [] };
  }
  const ends = endsOf(matched, reply);
  const spans = [...placedSpans(matched), ...ends].toSorted(bySpan);
  const body = writeSpans(reply, 0, START, reply.length, spans).out;
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
