import type { FoldedText, Sign } from './model.ts';
import { patternSets } from './pattern-sets.ts';
import type { ReadyRule } from './rules.ts';
import { wordTable } from './word-table.ts';

/**
 * The rules that may match a text, in the order in which they were given. One that has no sign may always. Matches that start before
 * `readFrom` are of no matter to those that are `readAlong`.
 */
export type MayMatch = (text: FoldedText, readFrom?: number) => readonly ReadyRule[];

/** Whether a text is read character by character for a rule, with others. */
export const readAlong = (rule: ReadyRule): boolean =>
  signOf(rule)?.kind === 'pattern' || signOf(rule)?.kind === 'words';

/** Asked once for all rules: under most policies nothing of what they look for stands in a text. */
export function mayMatch(rules: readonly ReadyRule[]): MayMatch {
  const unsigned = rules.filter((rule) => signOf(rule) === null);
  const addByPattern = patternSets(signed(rules, 'pattern').map(({ sign, rule }) => [sign.pattern, rule] as const));
  const byWord = grouped(
    signed(rules, 'words').flatMap(({ sign, rule }) => sign.words.map((it) => [it, rule] as const)),
  );
  const standing = byWord.size > 0 ? wordTable(byWord) : () => [];
  // Rules of one kind of identifier have one finder.
  const byLook = grouped(signed(rules, 'look').map(({ sign, rule }) => [sign.couldHold, rule] as const));
  const back = Math.max(
    0,
    ...rules.map((rule) => (rule.kind === 'finder' && readAlong(rule) ? rule.finder.before : 0)),
  );
  return (text, readFrom = 0) => {
    const from = Math.max(0, readFrom - back);
    const found = new Set<ReadyRule>();
    addByPattern(from === 0 ? text.folded : text.folded.slice(from), found);
    for (const named of standing(text, from)) for (const rule of named) found.add(rule);
    for (const [couldHold, looking] of byLook) if (couldHold(text)) for (const rule of looking) found.add(rule);
    return found.size === 0 ? unsigned : rules.filter((rule) => found.has(rule) || signOf(rule) === null);
  };
}

const signOf = (rule: ReadyRule): Sign | null => (rule.kind === 'finder' ? (rule.finder.sign ?? null) : null);

type SignOf<K extends Sign['kind']> = Sign & { readonly kind: K };

const signed = <K extends Sign['kind']>(
  rules: readonly ReadyRule[],
  kind: K,
): { readonly sign: SignOf<K>; readonly rule: ReadyRule }[] =>
  rules.flatMap((rule) => {
    const sign = signOf(rule);
    return sign?.kind === kind ? [{ sign: sign as SignOf<K>, rule }] : [];
  });

function grouped<K>(pairs: readonly (readonly [K, ReadyRule])[]): ReadonlyMap<K, readonly ReadyRule[]> {
  const groups = new Map<K, ReadyRule[]>();
  for (const [key, rule] of pairs) {
    const group = groups.get(key);
    if (group) group.push(rule);
    else groups.set(key, [rule]);
  }
  return groups;
}
