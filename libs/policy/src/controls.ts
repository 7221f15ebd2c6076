import type { PromptPolicy } from '@openward/contracts';
import type { PolicyTurn } from './model.ts';

/** C0, C1 and DEL, but for tab and the ends of lines. */
const CONTROL = /[^\P{Cc}\t\n\r]/u;
const CONTROLS = new RegExp(CONTROL.source, 'gu');

/**
 * The turns of a request without control characters, or null where the policy refuses a request that has one. Before anything else
 * is read of a text, so that what is left after stripping is what rules see.
 */
export function withoutControls<T extends PolicyTurn>(
  turns: readonly T[],
  how: PromptPolicy['controlCharacters'],
): readonly T[] | null {
  if (!turns.some(({ text }) => CONTROL.test(text))) return turns;
  if (how === 'refuse') return null;
  return turns.map((turn) => ({ ...turn, text: turn.text.replace(CONTROLS, '') }));
}
