import type { PolicyRule } from '@openward/contracts';
import { mayMatch, type MayMatch } from './may-match.ts';
import { type FoldedText, type Hit, type Monotonic, PolicyFailure, type Span } from './model.ts';
import type { ReadyRule } from './rules.ts';

/** A rule that hit a text. Of a rule that judges the whole there are no spans. */
export interface Matched {
  readonly ready: ReadyRule;
  readonly spans: readonly Span[];
  readonly count: number;
}

/**
 * What all rules together may take for one question, one reply that is there whole, or one piece of a stream, in milliseconds;
 * those that escalate have as much for themselves.
 */
export const MOST_IN_ALL = 1_000;

class OverTime extends Error {}

/** The time that rules have, as one spends it after the other. */
export interface Allowance {
  readonly now: Monotonic;
  readonly until: number;
}

export const allowance = (now: Monotonic, mostMs: number = MOST_IN_ALL): Allowance => ({ now, until: now() + mostMs });

/** Of an attempt that was over its time, where nothing broke. */
export const isOfTimeAlone = ({ cause }: PolicyFailure): boolean => cause === undefined;

/**
 * Runs what a rule does with one text, and throws `PolicyFailure` where that breaks or takes longer than the rule may, or than is
 * left of what all may. A process can be kept from running by others, which is not the rule's doing: so it is over its own limit
 * only where it is so twice.
 */
export function withinLimit<T>(
  rule: PolicyRule,
  given: Allowance,
  run: (stillAllowed: () => void) => T,
  tries: 1 | 2 = 2,
): T {
  const result = attempt(rule, given, run) ?? (tries === 2 ? attempt(rule, given, run) : null);
  if (result !== null) return result;
  throw overTime(rule);
}

const overTime = ({ id, timeLimitMs }: PolicyRule): PolicyFailure =>
  new PolicyFailure(id, `the rule ${id} took longer than ${timeLimitMs} ms, or all did than they may`);

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

/**
 * Runs what is done once for many rules: folding, and saying which may match. It counts against the time of all, and
 * where it breaks they do: under the name of the first, since no rule alone is the cause.
 */
export function forAll<T>(first: ReadyRule, { now, until }: Allowance, run: () => T): T {
  const result = unbroken(first, run);
  if (now() > until) throw overTime(first.rule);
  return result;
}

/** The same, however long it takes. */
export function unbroken<T>({ rule }: ReadyRule, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new PolicyFailure(rule.id, 'the rules could not be asked', { cause: error });
  }
}

/** Rules that are asked together. */
export interface RuleGroup {
  readonly rules: readonly ReadyRule[];
  readonly may: MayMatch;
}

export const groupOf = (rules: readonly ReadyRule[]): RuleGroup => ({ rules, may: mayMatch(rules) });

/** What is no failure of a rule is nobody's to catch. */
export function asFailure(error: unknown): PolicyFailure {
  if (error instanceof PolicyFailure) return error;
  throw error;
}

export const NOTHING: readonly Matched[] = [];

/** Every match of these rules in one text; `onFailure` is told of each that could not be applied. */
export function matchEach(
  { rules, may }: RuleGroup,
  text: FoldedText,
  allowed: Allowance,
  tries: 1 | 2,
  onFailure: (failure: PolicyFailure) => void,
): readonly Matched[] {
  const [first] = rules;
  if (first === undefined) return NOTHING;
  const possible = forAll(first, allowed, () => may(text));
  if (possible.length === 0) return NOTHING;
  const found: Matched[] = [];
  for (const ready of possible) {
    try {
      const matched = matchRule(ready, text, allowed, tries);
      if (matched.count > 0) found.push(matched);
    } catch (error) {
      onFailure(asFailure(error));
    }
  }
  return found;
}

export function matchRule(ready: ReadyRule, text: FoldedText, allowed: Allowance, tries: 1 | 2): Matched {
  if (ready.kind === 'whole') {
    const isHit = withinLimit(ready.rule, allowed, () => ready.isHit(text.text), tries);
    return { ready, spans: [], count: isHit ? 1 : 0 };
  }
  const spans = withinLimit(ready.rule, allowed, (stillAllowed) => ready.finder.find(text, stillAllowed), tries);
  return { ready, spans, count: spans.length };
}

export const byOrder = (one: Matched, other: Matched): number => one.ready.order - other.ready.order;

/** In the policy's order, one for each rule. */
export function hitsOf(matched: readonly Pick<Matched, 'ready' | 'count'>[]): readonly Hit[] {
  if (matched.length === 0) return [];
  const hits = new Map<number, Hit>();
  for (const { ready, count } of matched) {
    const { id, stage, action, mode } = ready.rule;
    const before = hits.get(ready.order)?.count ?? 0;
    hits.set(ready.order, { rule: id, stage, does: action.does, mode, count: before + count });
  }
  return [...hits].toSorted(([one], [other]) => one - other).map(([, hit]) => hit);
}
