import type { RE2JS } from 're2js';

// What the compiled program of an expression says about its matches. `re2js` keeps the instructions of RE2 as they are; a test
// holds their numbers, so that another version of it cannot change them unseen.

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
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
  const reached = reachedFrom(inst, start, () => true);
  const flags = [...reached].reduce((all, pc) => (inst[pc]?.op === EMPTY_WIDTH ? all | (inst[pc]?.arg ?? 0) : all), 0);
  const isLookBehind = [...reached].some((pc) => (inst[pc]?.op ?? 0) >= LOOK_BEHIND);
  return {
    instructions: inst.length,
    longest: longestPath(inst, start),
    canBeEmpty: [...reachedFrom(inst, start, (it) => !consumes(it))].some((pc) => inst[pc]?.op === MATCH),
    anchored: isLookBehind || (flags & ENDS_OF_LINES_AND_TEXT) !== 0,
    wordBoundaries: (flags & WORD_BOUNDARIES) !== 0,
  };
}

const consumes = ({ op }: Instruction): boolean => op >= RUNE && op <= RUNE_ANY_NOT_NL;

const nextOf = ({ op, out, arg }: Instruction): readonly number[] => {
  if (op === MATCH || op === FAIL) return [];
  return op === ALT || op === ALT_MATCH ? [out, arg] : [out];
};

function reachedFrom(
  inst: readonly Instruction[],
  start: number,
  goesOn: (instruction: Instruction) => boolean,
): ReadonlySet<number> {
  const seen = new Set([start]);
  for (const pc of seen) {
    const instruction = inst[pc];
    if (instruction && goesOn(instruction)) for (const next of nextOf(instruction)) seen.add(next);
  }
  return seen;
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
