import { Refusal, type PromptPolicy } from '@openward/contracts';
import type { Turn } from './conversation.ts';

/** C0, C1 and DEL, but for tab and the ends of lines. */
const CONTROL = /[^\P{Cc}\t\n\r]/u;
const CONTROLS = new RegExp(CONTROL.source, 'gu');

/**
 * No runtime and no rule sees a control character: a request that has one is refused, or loses it. It happens before anything else
 * is read of a text, so that what is left after stripping is what marks and rules are looked for in.
 */
export function withoutControls(turns: readonly Turn[], how: PromptPolicy['controlCharacters']): readonly Turn[] {
  if (!turns.some(({ text }) => CONTROL.test(text))) return turns;
  if (how === 'refuse') throw new Refusal('controlCharacters', 'A message contains a control character.');
  return turns.map(({ role, text }) => ({ role, text: text.replace(CONTROLS, '') }));
}
