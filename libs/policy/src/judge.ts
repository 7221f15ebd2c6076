import { fold } from './fold.ts';
import {
  asFailure,
  groupOf,
  isOfTimeAlone,
  type Matched,
  matchEach,
  matchRule,
  MOST_IN_ALL,
  NOTHING,
  type RuleGroup,
  unbroken,
} from './matching.ts';
import type { FoldedText, Monotonic, PolicyFailure } from './model.ts';
import type { ReadyRule } from './rules.ts';

/** The rules of one stage that are enforced. Those that escalate are looked for first, apart from all others. */
export interface Enforced {
  /** In the policy's order. */
  readonly rules: readonly ReadyRule[];
  readonly flags: RuleGroup;
  readonly others: RuleGroup;
}

export function enforcedOf(rules: readonly ReadyRule[]): Enforced {
  const isFlag = ({ rule }: ReadyRule): boolean => rule.action.does === 'escalate';
  return { rules, flags: groupOf(rules.filter(isFlag)), others: groupOf(rules.filter((it) => !isFlag(it))) };
}

/** By text, what hit it; and why the rules could not be applied. After a failure these are the red flags alone. */
export interface Judgement {
  readonly matched: readonly (readonly Matched[])[];
  readonly failure: PolicyFailure | null;
}

type OnFailure = (failure: PolicyFailure) => void;

/**
 * A red flag that was found is told, whatever becomes of another one, of another text, and of all other rules after. Reading the texts
 * is counted with these, so that it takes no time of the flags.
 */
export function judge(
  { rules, flags, others }: Enforced,
  texts: readonly string[],
  given: Pick<FoldedText, 'today' | 'language'>,
  now: Monotonic,
): Judgement {
  const [first] = rules;
  if (first === undefined) return { matched: texts.map(() => NOTHING), failure: null };
  const start = now();
  const failures: PolicyFailure[] = [];
  const onFailure: OnFailure = (failure) => void failures.push(failure);
  const folded = texts.flatMap((text, at) => {
    const read = orFailure(onFailure, () => unbroken(first, () => fold(text, given)));
    return read === null ? [] : [{ text: read, at }];
  });
  const { found, tookMs } = findFlags(flags, folded, now, onFailure);
  const flagged = texts.map((_, at) => found.get(at) ?? NOTHING);
  if (failures.length > 0) return { matched: flagged, failure: failures[0] ?? null };
  const allowed = { now, until: start + tookMs + MOST_IN_ALL };
  const matched = orFailure(onFailure, () =>
    folded.map(({ text, at }) => both(flagged[at] ?? NOTHING, matchEach(others, text, allowed, 2, rethrow))),
  );
  return { matched: matched ?? flagged, failure: failures[0] ?? null };
}

const both = (flagged: readonly Matched[], found: readonly Matched[]): readonly Matched[] =>
  flagged.length === 0 ? found : [...flagged, ...found];

const rethrow = (failure: PolicyFailure): never => {
  throw failure;
};

function orFailure<T>(onFailure: OnFailure, run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    onFailure(asFailure(error));
    return null;
  }
}

/** A red flag that may stand in the text at this place. */
interface Look {
  readonly flag: ReadyRule;
  readonly text: FoldedText;
  readonly at: number;
}

/**
 * Each flag has, in each text, an equal part of their time, and its part of what those before it left: a slow one can take nothing of
 * the next. Those that were over it have one more look in the end, since the machine may have been busy, and so no more than twice
 * their time is spent.
 */
function findFlags(
  { rules, may }: RuleGroup,
  texts: readonly Omit<Look, 'flag'>[],
  now: Monotonic,
  onFailure: OnFailure,
): { readonly found: ReadonlyMap<number, readonly Matched[]>; readonly tookMs: number } {
  const found = new Map<number, Matched[]>();
  const [first] = rules;
  if (first === undefined) return { found, tookMs: 0 };
  const looks = texts.flatMap(({ text, at }) => {
    // Where nobody can say which may stand there, all may.
    const possible = orFailure(onFailure, () => unbroken(first, () => may(text))) ?? rules;
    return possible.map((flag): Look => ({ flag, text, at }));
  });
  if (looks.length === 0) return { found, tookMs: 0 };
  const start = now();
  const end = start + MOST_IN_ALL;
  const part = MOST_IN_ALL / looks.length;
  const lookFor = (all: readonly Look[], onFailed: (failure: PolicyFailure, look: Look) => void): void => {
    for (const [index, look] of all.entries()) {
      const at = now();
      const until = at + Math.max(part, (end - at) / (all.length - index));
      const matched = orFailure(
        (failure) => onFailed(failure, look),
        () => matchRule(look.flag, look.text, { now, until }, 1),
      );
      if (matched === null || matched.count === 0) continue;
      const before = found.get(look.at);
      if (before) before.push(matched);
      else found.set(look.at, [matched]);
    }
  };
  const late: Look[] = [];
  lookFor(looks, (failure, look) => (isOfTimeAlone(failure) ? void late.push(look) : onFailure(failure)));
  lookFor(late, onFailure);
  return { found, tookMs: now() - start };
}
