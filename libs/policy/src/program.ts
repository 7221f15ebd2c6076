import type { RE2JS } from 're2js';

// What the compiled program of an expression says about its matches. `re2js` keeps the instructions of RE2 as they are; a test
// holds their numbers, so that another version of it cannot change them unseen.

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
  matchRune(rune: number): boolean;
}
interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

const ALT = 1;
const ALT_MATCH = 2;
const EMPTY_WIDTH = 4;
const FAIL = 5;
const MATCH = 6;
const RUNE = 8;
const RUNE_ANY_NOT_NL = 11;
const LOOK_BEHIND = 12;

const ENDS_OF_LINES_AND_TEXT = 1 | 2 | 4 | 8;
const WORD_BOUNDARIES = 16 | 32;

export interface Measured {
  readonly instructions: number;
  /** UTF-16 units of the longest match; null: no bound. */
  readonly longest: number | null;
  readonly canBeEmpty: boolean;
  /** Whether it asks where lines or the text begin or end; and where words do. */
  readonly anchored: boolean;
  readonly wordBoundaries: boolean;
}

export function measureProgram(expression: RE2JS): Measured {
  const { inst, start } = expression.re2Input.prog as Program;
  const reached = reachedFrom(inst, [start], () => true);
  const flags = [...reached].reduce((all, pc) => (inst[pc]?.op === EMPTY_WIDTH ? all | (inst[pc]?.arg ?? 0) : all), 0);
  const isLookBehind = [...reached].some((pc) => (inst[pc]?.op ?? 0) >= LOOK_BEHIND);
  return {
    instructions: inst.length,
    longest: longestPath(inst, start),
    canBeEmpty: withoutCharacter(inst, [start]).some(isMatch),
    anchored: isLookBehind || (flags & ENDS_OF_LINES_AND_TEXT) !== 0,
    wordBoundaries: (flags & WORD_BOUNDARIES) !== 0,
  };
}

/** Of characters, in all classes. A table that instructions share is there once. */
export function rangesOfProgram(expression: RE2JS): number {
  const { inst } = expression.re2Input.prog as Program;
  return [...new Set(inst.map(({ runes }) => runes))].reduce((sum, { length }) => sum + (length >> 1), 0);
}

const consumes = ({ op }: Instruction): boolean => op >= RUNE && op <= RUNE_ANY_NOT_NL;

const nextOf = ({ op, out, arg }: Instruction): readonly number[] => {
  if (op === MATCH || op === FAIL) return [];
  return op === ALT || op === ALT_MATCH ? [out, arg] : [out];
};

function reachedFrom(
  inst: readonly Instruction[],
  from: readonly number[],
  goesOn: (instruction: Instruction) => boolean,
): ReadonlySet<number> {
  const seen = new Set(from);
  for (const pc of seen) {
    const instruction = inst[pc];
    if (instruction && goesOn(instruction)) for (const next of nextOf(instruction)) seen.add(next);
  }
  return seen;
}

const isMatch = ({ op }: Instruction): boolean => op === MATCH;

const withoutCharacter = (inst: readonly Instruction[], from: readonly number[]): readonly Instruction[] =>
  [...reachedFrom(inst, from, (it) => !consumes(it))].flatMap((pc) => inst[pc] ?? []);

/** By the place of a character in a match, from its first on, 1 for each code of ASCII that may stand there, and then for all beyond. */
export type Openings = readonly Uint8Array[];

export const ASCII = 0x80;
export const MOST_OPENINGS = 4;

/**
 * What every match in a folded text begins with: letters whose other case is beyond ASCII, as K is of the kelvin sign, stand there as
 * themselves. Of what may follow a character beyond ASCII they say nothing.
 */
export function openingsOf(expression: RE2JS): Openings {
  const { inst, start } = expression.re2Input.prog as Program;
  return openingsFrom(inst, withoutCharacter(inst, [start]));
}

/** The same of each way in which a match may begin: of `fentanyl|oxycodone`, two. Of more than `most`, all in one. */
export function waysToBegin(expression: RE2JS, most: number): readonly Openings[] {
  const { inst, start } = expression.re2Input.prog as Program;
  const first = withoutCharacter(inst, [start]);
  const ways = first.some(isMatch) || first.filter(consumes).length > most ? [first] : first.map((one) => [one]);
  return ways.filter((way) => way.some((it) => consumes(it) || isMatch(it))).map((way) => openingsFrom(inst, way));
}

function openingsFrom(inst: readonly Instruction[], first: readonly Instruction[]): Openings {
  const openings: Uint8Array[] = [];
  for (let next = first; openings.length < MOST_OPENINGS && !next.some(isMatch);) {
    const consuming = next.filter(consumes);
    const isBeyond = consuming.some(({ runes }) => (runes[runes.length - 1] ?? 0) >= ASCII);
    const mayStand = (code: number) => (code === ASCII ? isBeyond : consuming.some((it) => it.matchRune(code)));
    openings.push(Uint8Array.from({ length: ASCII + 1 }, (_, code) => Number(mayStand(code))));
    next = withoutCharacter(
      inst,
      consuming.map(({ out }) => out),
    );
  }
  return openings;
}

const unitsOf = ({ op, runes }: Instruction): number => {
  if (op !== RUNE && op !== RUNE + 1) return 2;
  return (runes[runes.length - 1] ?? 0) > 0xffff ? 2 : 1;
};

/** Rounds of a program without a loop: one, and one more to see it; loops of nothing but empty matches take a few. */
const MOST_ROUNDS = 32;

/** Raises what each instruction can still take until nothing rises. What goes on rising takes characters in a circle. */
function longestPath(inst: readonly Instruction[], start: number): number | null {
  const most = Array.from(inst, ({ op }) => (op === MATCH ? 0 : -Infinity));
  const order = successorsFirst(inst, start);
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    let hasRisen = false;
    for (const pc of order) {
      const instruction = inst[pc];
      if (!instruction) continue;
      const own = consumes(instruction) ? unitsOf(instruction) : 0;
      for (const next of nextOf(instruction)) {
        const here = own + (most[next] ?? -Infinity);
        if (here <= (most[pc] ?? -Infinity)) continue;
        most[pc] = here;
        hasRisen = true;
      }
    }
    if (!hasRisen) return Math.max(0, most[start] ?? 0);
  }
  return null;
}

function successorsFirst(inst: readonly Instruction[], start: number): readonly number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const open = [{ pc: start, isLeft: false }];
  for (let at = open.pop(); at; at = open.pop()) {
    const { pc, isLeft } = at;
    const instruction = inst[pc];
    if (isLeft) order.push(pc);
    if (isLeft || seen.has(pc) || !instruction) continue;
    seen.add(pc);
    open.push({ pc, isLeft: true }, ...nextOf(instruction).map((next) => ({ pc: next, isLeft: false })));
  }
  return order;
}
