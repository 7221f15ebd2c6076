import { type PolicyRule } from '@openward/contracts';
import type { MayMatch } from './may-match.ts';
import { type FoldedText, type Hit, type Monotonic, PolicyFailure, type Span } from './model.ts';
import type { ReadyRule } from './rules.ts';

/** A rule that hit a text. Of a rule that judges the whole there are no spans. */
export interface Matched {
  readonly ready: ReadyRule;
  readonly spans: readonly Span[];
  readonly count: number;
}

class OverTime extends Error {}

/**
 * Runs what a rule does with one text, and throws `PolicyFailure` where that breaks or takes longer than the rule may. A process can
 * be kept from running by others, which is not the rule's doing: so it is over its limit only where it is so twice.
 */
export function withinLimit<T>(rule: PolicyRule, now: Monotonic, run: (stillAllowed: () => void) => T): T {
  return attempt(rule, now, run) ?? attempt(rule, now, run) ?? overLimit(rule);
}

function attempt<T>({ id, timeLimitMs }: PolicyRule, now: Monotonic, run: (stillAllowed: () => void) => T): T | null {
  const started = now();
  const isOver = (): boolean => now() - started > timeLimitMs;
  try {
    const result = run(() => {
      if (isOver()) throw new OverTime();
    });
    return isOver() ? null : result;
  } catch (error) {
    if (error instanceof OverTime) return null;
    throw new PolicyFailure(id, `the rule ${id} broke`, { cause: error });
  }
}

function overLimit({ id, timeLimitMs }: PolicyRule): never {
  throw new PolicyFailure(id, `the rule ${id} took longer than ${timeLimitMs} ms`);
}

/** Every match of these rules in one text, in their order. */
export function matchRules(
  rules: readonly ReadyRule[],
  may: MayMatch,
  text: FoldedText,
  now: Monotonic,
): readonly Matched[] {
  if (rules.length === 0) return [];
  const mightMatch = may(text.folded);
  return rules
    .filter(mightMatch)
    .map((ready) => matchRule(ready, text, now))
    .filter(({ count }) => count > 0);
}

function matchRule(ready: ReadyRule, text: FoldedText, now: Monotonic): Matched {
  if (ready.kind === 'whole') {
    const isHit = withinLimit(ready.rule, now, () => ready.isHit(text.text));
    return { ready, spans: [], count: isHit ? 1 : 0 };
  }
  const spans = withinLimit(ready.rule, now, (stillAllowed) => ready.finder.find(text, stillAllowed));
  return { ready, spans, count: spans.length };
}

/** The same for rules in shadow, which change nothing: one that fails has not hit. */
export function matchShadow(
  rules: readonly ReadyRule[],
  may: MayMatch,
  text: FoldedText,
  now: Monotonic,
): readonly Matched[] {
  if (rules.length === 0) return [];
  const mightMatch = may(text.folded);
  return rules.filter(mightMatch).flatMap((ready) => {
    try {
      const matched = matchRule(ready, text, now);
      return matched.count > 0 ? [matched] : [];
    } catch (error) {
      if (error instanceof PolicyFailure) return [];
      throw error;
    }
  });
}

/** In the policy's order, one for each rule. */
export function hitsOf(matched: readonly Pick<Matched, 'ready' | 'count'>[]): readonly Hit[] {
  const byOrder = new Map<number, Hit>();
  for (const { ready, count } of matched) {
    const { id, stage, action, mode } = ready.rule;
    const before = byOrder.get(ready.order)?.count ?? 0;
    byOrder.set(ready.order, { rule: id, stage, does: action.does, mode, count: before + count });
  }
  return [...byOrder].toSorted(([one], [other]) => one - other).map(([, hit]) => hit);
}
