import { RE2JS } from 're2js';
import type { PolicyFindingCode } from './model.ts';
import { readPattern } from './pattern-text.ts';
import { RANGES_A_STEP } from './pattern-ranges.ts';
import { type Measured, measureProgram, rangesOfProgram } from './program.ts';
import { hidesMark } from './visible.ts';

/** Of one pattern, in instructions, and ranges of its classes, of which some make one. An alternative of 300 words has 2,000; repeats with a count are dearer, at each place. */
const MOST_INSTRUCTIONS = 2_500;
const MOST_COPIES = 500;
/** Of one whose matches have no bound: a long text cannot be searched by parts then, nor the search be ended between them. */
const MOST_COPIES_WITHOUT_BOUND = 100;

export interface Pattern extends Measured {
  /** As it was compiled, flags included: for a set of patterns. */
  readonly source: string;
  readonly expression: RE2JS;
  readonly copies: number;
}

export type CompiledPattern =
  | { readonly kind: 'ok'; readonly pattern: Pattern }
  | { readonly kind: 'refused'; readonly code: PolicyFindingCode; readonly message: string };

/** Compiles a pattern in RE2 syntax for folded text. One that would be dear is refused before anything is spent on it. */
export function compilePattern(text: string, ignoreCase: boolean): CompiledPattern {
  if (hidesMark(text)) {
    return refused(
      'patternInvalid',
      'A mark that is not seen stands within \\Q…\\E, or behind a backslash, where nobody could read it. Spell it outside: \\x{200B}.',
    );
  }
  const { pattern, size, copies } = readPattern(text, ignoreCase);
  if (size > MOST_INSTRUCTIONS || copies > MOST_COPIES) return tooLarge(size, copies);
  const source = ignoreCase ? `(?i)${pattern}` : pattern;
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(source);
  } catch (error) {
    return refused('patternInvalid', `${saidBy(error)}. The syntax is that of RE2.`);
  }
  const program = measureProgram(expression);
  const steps = program.instructions + Math.ceil(rangesOfProgram(expression) / RANGES_A_STEP);
  const measured = { ...program, instructions: steps };
  if (steps > 2 * MOST_INSTRUCTIONS) return tooLarge(steps, copies);
  if ((measured.longest === null || measured.anchored) && copies > MOST_COPIES_WITHOUT_BOUND) {
    return refused(
      'patternTooLarge',
      `Its matches have no bound, and it has ${copies} steps by counts such as {0,500}; ${MOST_COPIES_WITHOUT_BOUND} are allowed ` +
        'then. Put bounds to its repeats, or use a smaller count.',
    );
  }
  if (measured.canBeEmpty) {
    return refused('patternMatchesEmpty', 'It matches where nothing stands, so everywhere. Say what must be there.');
  }
  return { kind: 'ok', pattern: { ...measured, source, expression, copies } };
}

/** Without what nobody wrote: the library's own opening, and the flag that is put ahead. */
const saidBy = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^error parsing regexp: /, '').replace('`(?i)', '`');

const refused = (code: PolicyFindingCode, message: string): CompiledPattern => ({ kind: 'refused', code, message });

const tooLarge = (size: number, copies: number): CompiledPattern =>
  refused(
    'patternTooLarge',
    `It comes to ${size} steps, ${copies} of them by counts such as {0,500}; ${MOST_INSTRUCTIONS} and ${MOST_COPIES} are allowed. ` +
      'Use a smaller count, fewer classes such as \\pL, which have many ranges, or make it a topic.',
  );
