import { RE2Set } from 're2js';
import type { Pattern } from './patterns.ts';
import type { ReadyRule } from './rules.ts';

// A set of patterns says in one pass which of them match at all, a hundred times sooner than each would. It does so as an automaton
// that is made while it runs; where that would grow too large it would go on slowly, all patterns at once. Then it gives up here,
// and each rule is asked by itself, within its own limit of time.

/**
 * In instructions, of one set. Repeats with a count make the automaton large, so patterns with more of them are apart, where they
 * keep no others from being told at once.
 */
const SIZE = { plain: 4_000, counted: 1_000 };
const MOST_COPIES_OF_PLAIN = 64;

/** Of one automaton, in bytes. */
const MOST_MEMORY = 4 * 1_048_576;

class GaveUp extends Error {}

/** Which rules may match. One that has no pattern may. */
export type MayMatch = (folded: string) => (rule: ReadyRule) => boolean;

export function mayMatch(rules: readonly ReadyRule[]): MayMatch {
  const sets = setsOf(rules).map(compileSet);
  const asked = new Set(sets.flatMap(({ members }) => members));
  return (folded) => {
    const found = new Set<ReadyRule>();
    for (const { members, set } of sets) {
      const matches = matchesOf(set, folded);
      for (const at of matches ?? members.keys()) found.add(members[at]!);
    }
    return (rule) => found.has(rule) || !asked.has(rule);
  };
}

interface Member {
  readonly rule: ReadyRule;
  readonly pattern: Pattern;
}

function setsOf(rules: readonly ReadyRule[]): readonly (readonly Member[])[] {
  const members = rules.flatMap((rule) => (rule.pattern ? [{ rule, pattern: rule.pattern }] : []));
  const isPlain = ({ pattern }: Member): boolean => pattern.copies <= MOST_COPIES_OF_PLAIN;
  return [
    ...groups(members.filter(isPlain), SIZE.plain),
    ...groups(
      members.filter((it) => !isPlain(it)),
      SIZE.counted,
    ),
  ];
}

function groups(members: readonly Member[], most: number): readonly (readonly Member[])[] {
  const sets: Member[][] = [];
  let size = most;
  for (const member of members) {
    size += member.pattern.instructions;
    if (size > most) {
      sets.push([]);
      size = member.pattern.instructions;
    }
    sets.at(-1)?.push(member);
  }
  return sets;
}

function compileSet(members: readonly Member[]): { readonly members: readonly ReadyRule[]; readonly set: RE2Set } {
  const set = new RE2Set(RE2Set.UNANCHORED, 0, MOST_MEMORY);
  for (const { pattern } of members) set.add(pattern.source);
  set.compile();
  // What the slow way would begin with.
  Object.defineProperty(set, 'dummyRe2', {
    get: () => {
      throw new GaveUp();
    },
  });
  return { members: members.map(({ rule }) => rule), set };
}

function matchesOf(set: RE2Set, folded: string): readonly number[] | null {
  try {
    return set.match(folded);
  } catch (error) {
    if (error instanceof GaveUp) return null;
    throw error;
  }
}
