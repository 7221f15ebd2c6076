import type { PromptPolicy } from '@openward/contracts';
import { rewrites } from './marks.ts';
import type { StreamMode } from './model.ts';
import type { ReadyRule } from './rules.ts';
import { neededFor } from './window.ts';

/** More than this is no stream any more. */
const MOST_HELD_BACK = 2_000;

/** How replies may be streamed under these rules: those of the output stage that are enforced. */
export function streamMode({ rules, notices, disclaimer }: PromptPolicy, output: readonly ReadyRule[]): StreamMode {
  const because: { rule: string | null; why: string }[] = output.flatMap((ready) => {
    const why = whyHeldBack(ready);
    return why === null ? [] : [{ rule: ready.rule.id, why }];
  });
  const escalates = rules.some(({ action, mode }) => action.does === 'escalate' && mode === 'enforce');
  if (notices.place === 'field' && (escalates || disclaimer !== null)) {
    because.push({ rule: null, why: 'notices stand in a field of the reply, which has to be there whole' });
  }
  if (because.length > 0) return { kind: 'buffer', because };
  const held = output.map((ready) => (ready.kind === 'finder' ? neededFor(ready.finder) : 0));
  return held.length === 0 ? { kind: 'pass' } : { kind: 'window', heldBack: Math.max(...held) };
}

function whyHeldBack(ready: ReadyRule): string | null {
  const { action, match } = ready.rule;
  if (match.kind === 'schema') return 'a schema is of the whole reply';
  if (match.kind === 'length') return 'how long a reply is shows at its end';
  if (action.does === 'block') return 'it can block the reply, of which nothing may have been given then';
  if (action.does === 'escalate') return 'its text stands before the reply';
  if (!rewrites(ready)) return 'its note stands beside the reply, before its first word';
  if (ready.kind === 'whole') return 'it judges the whole reply';
  const { longest, why } = ready.finder;
  if (longest === null) return why ?? 'its matches have no bound';
  if (neededFor(ready.finder) <= MOST_HELD_BACK) return null;
  return `a match can have ${longest} characters, and a stream holds back ${MOST_HELD_BACK} at the most`;
}
