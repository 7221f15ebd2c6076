import type { PromptPolicy } from '@openward/contracts';
import { openFilter } from './filter.ts';
import { inputStage } from './input.ts';
import { enforcedOf } from './judge.ts';
import type { Compiling, SiteTerms } from './model.ts';
import { applyToReply, type OutputStage } from './reply.ts';
import { compileRules } from './rules.ts';
import { streamMode } from './stream-mode.ts';
import { renderTexts } from './texts.ts';
import { watching } from './watch.ts';

/**
 * Makes a policy ready for one site. Refuses what cannot be made: a pattern that is wrong or dear, a schema outside of the closed
 * part, a term of the site that is no pattern, a text that is missing. What else could harm is `checkPolicy`'s to find.
 */
export function compilePolicy(policy: PromptPolicy, terms: SiteTerms): Compiling {
  const { rules, findings: ofRules } = compileRules(policy, terms);
  const { texts, findings: ofTexts } = renderTexts(policy, terms);
  const findings = [...ofRules, ...ofTexts];
  if (findings.length > 0) return { kind: 'refused', findings };
  const acting = rules.filter(({ rule }) => rule.mode === 'enforce');
  const enforced = {
    input: enforcedOf(acting.filter(({ rule }) => rule.stage === 'input')),
    output: enforcedOf(acting.filter(({ rule }) => rule.stage === 'output')),
  };
  const output: OutputStage = { policy, texts, enforced: enforced.output };
  const stream = streamMode(policy, enforced.output.rules);
  return {
    kind: 'ok',
    compiled: {
      policy,
      systemPrompt: texts.systemPrompt,
      stream,
      applyInput: inputStage(policy, enforced.input, texts),
      openReply: (input, now) => openFilter(output, stream, input, now),
      applyReply: (input, reply, finishReason, now) => applyToReply(output, input, reply, finishReason, now),
      watch: watching(policy, rules, enforced),
    },
  };
}
