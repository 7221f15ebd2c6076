import { Refusal, type PromptPolicy } from '@openward/contracts';
import { withoutControls as stripped } from '@openward/policy';
import type { Turn } from './conversation.ts';

/** No runtime and no rule sees a control character: a request that has one is refused, or loses it. */
export function withoutControls(turns: readonly Turn[], how: PromptPolicy['controlCharacters']): readonly Turn[] {
  const kept = stripped(turns, how);
  if (kept === null) throw new Refusal('controlCharacters', 'A message contains a control character.');
  return kept;
}
