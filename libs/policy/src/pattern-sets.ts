import { RE2Set } from 're2js';
import { mayBegin } from './may-begin.ts';
import type { Pattern } from './patterns.ts';

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

/** A pattern, and whose it is. */
export type Member<T> = readonly [Pattern, T];

/** Adds to `found` whose patterns may match. */
export type PatternSets<T> = (folded: string, found: Set<T>) => void;

export function patternSets<T>(members: readonly Member<T>[]): PatternSets<T> {
  const isPlain = ([pattern]: Member<T>): boolean => pattern.copies <= MOST_COPIES_OF_PLAIN;
  const sets = [
    ...groups(members.filter(isPlain), SIZE.plain),
    ...groups(
      members.filter((it) => !isPlain(it)),
      SIZE.counted,
    ),
  ].map((group) => ({
    owners: group.map(([, owner]) => owner),
    mayBegin: mayBegin(group.map(([pattern]) => pattern)),
    set: compileSet(group),
  }));
  return (folded, found) => {
    for (const { owners, mayBegin: may, set } of sets) {
      if (!may(folded)) continue;
      const matches = matchesOf(set, folded);
      for (const at of matches ?? owners.keys()) found.add(owners[at]!);
    }
  };
}

function groups<T>(members: readonly Member<T>[], most: number): readonly (readonly Member<T>[])[] {
  const sets: Member<T>[][] = [];
  let size = most;
  for (const member of members) {
    const [{ instructions }] = member;
    size += instructions;
    if (size > most) {
      sets.push([]);
      size = instructions;
    }
    sets.at(-1)?.push(member);
  }
  return sets;
}

function compileSet(members: readonly Member<unknown>[]): RE2Set {
  const set = new RE2Set(RE2Set.UNANCHORED, 0, MOST_MEMORY);
  for (const [{ source }] of members) set.add(source);
  set.compile();
  // What the slow way would begin with.
  Object.defineProperty(set, 'dummyRe2', {
    get: () => {
      throw new GaveUp();
    },
  });
  return set;
}

function matchesOf(set: RE2Set, folded: string): readonly number[] | null {
  try {
    return set.match(folded);
  } catch (error) {
    if (error instanceof GaveUp) return null;
    throw error;
  }
}
