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

/** What all rules together may take for one request or one piece of a reply, in milliseconds. */
const MOST_IN_ALL = 1_000;

class OverTime extends Error {}

/** The time that rules have, as one spends it after the other. */
export interface Allowance {
  readonly now: Monotonic;
  readonly until: number;
}

export const allowance = (now: Monotonic): Allowance => ({ now, until: now() + MOST_IN_ALL });

/**
 * Runs what a rule does with one text, and throws `PolicyFailure` where that breaks or takes longer than the rule may, or than is
 * left of what all may. A process can be kept from running by others, which is not the rule's doing: so it is over its own limit
 * only where it is so twice.
 */
export function withinLimit<T>(rule: PolicyRule, given: Allowance, run: (stillAllowed: () => void) => T): T {
  const result = attempt(rule, given, run) ?? attempt(rule, given, run);
  if (result !== null) return result;
  throw new PolicyFailure(
    rule.id,
    `the rule ${rule.id} took longer than ${rule.timeLimitMs} ms, or all did than ${MOST_IN_ALL}`,
  );
}

function attempt<T>(rule: PolicyRule, { now, until }: Allowance, run: (stillAllowed: () => void) => T): T | null {
  const start = now();
  if (start > until) return null;
  const deadline = Math.min(until, start + rule.timeLimitMs);
  const stillAllowed = (): void => {
    if (now() > deadline) throw new OverTime();
  };
  try {
    const result = run(stillAllowed);
    stillAllowed();
    return result;
  } catch (error) {
    if (error instanceof OverTime) return null;
    throw new PolicyFailure(rule.id, `the rule ${rule.id} broke`, { cause: error });
  }
}

/** Every match of these rules in one text, in their order. */
export function matchRules(
  rules: readonly ReadyRule[],
  may: MayMatch,
  text: FoldedText,
  allowed: Allowance,
): readonly Matched[] {
  if (rules.length === 0) return [];
  const mightMatch = may(text.folded);
  return rules
    .filter(mightMatch)
    .map((ready) => matchRule(ready, text, allowed))
    .filter(({ count }) => count > 0);
}

function matchRule(ready: ReadyRule, text: FoldedText, allowed: Allowance): Matched {
  if (ready.kind === 'whole') {
    const isHit = withinLimit(ready.rule, allowed, () => ready.isHit(text.text));
    return { ready, spans: [], count: isHit ? 1 : 0 };
  }
  const spans = withinLimit(ready.rule, allowed, (stillAllowed) => ready.finder.find(text, stillAllowed));
  return { ready, spans, count: spans.length };
}

/** The same for rules in shadow, which change nothing: one that fails has not hit. */
export function matchShadow(
  rules: readonly ReadyRule[],
  may: MayMatch,
  text: FoldedText,
  allowed: Allowance,
): readonly Matched[] {
  if (rules.length === 0) return [];
  const mightMatch = may(text.folded);
  return rules.filter(mightMatch).flatMap((ready) => {
    try {
      const matched = matchRule(ready, text, allowed);
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
