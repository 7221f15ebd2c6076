import type { PolicyRule, PromptPolicy } from '@openward/contracts';
import { topicFinder } from './find-topic.ts';
import { regexFinder } from './find-regex.ts';
import { finderOf } from './identifiers/index.ts';
import { offsetOver } from './length-rule.ts';
import type { CompiledRule, PolicyFinding, PolicyFindingCode, SiteTerms } from './model.ts';
import { compilePattern } from './patterns.ts';
import { compileSchema } from './schema-rule.ts';

/** A rule made ready. `order` is its place in the policy. */
export type ReadyRule = CompiledRule & { readonly order: number };

/** Of all patterns of a policy together, in instructions, and of those the ones that come of counts. */
const MOST_INSTRUCTIONS = 30_000;
const MOST_COPIES = 5_000;

/** What a policy's own pattern comes to; a site's is no part of it. */
interface Steps {
  readonly instructions: number;
  readonly copies: number;
}
const NO_STEPS: Steps = { instructions: 0, copies: 0 };

type Made =
  | ({ readonly ready: ReadyRule } & Steps)
  | { readonly refused: Omit<PolicyFinding, 'where'> & { readonly at: string } };

/** Every rule of the policy, or why some cannot be. After too much has been spent on patterns no more are made. */
export function compileRules(
  { rules }: PromptPolicy,
  terms: SiteTerms,
): { readonly rules: readonly ReadyRule[]; readonly findings: readonly PolicyFinding[] } {
  const ready: ReadyRule[] = [];
  const findings: PolicyFinding[] = [];
  let instructions = 0;
  let copies = 0;
  for (const [order, rule] of rules.entries()) {
    const made = makeReady(rule, order, terms);
    if ('refused' in made) {
      const { at, code, message } = made.refused;
      findings.push({ code, where: `rules[${order}].match.${at}`, message });
      continue;
    }
    ready.push(made.ready);
    instructions += made.instructions;
    copies += made.copies;
    if (instructions <= MOST_INSTRUCTIONS && copies <= MOST_COPIES) continue;
    const message =
      `The patterns up to here come to ${instructions} steps, ${copies} of them by counts such as {0,500}; ` +
      `${MOST_INSTRUCTIONS} and ${MOST_COPIES} are allowed for all. Use smaller counts, or topics.`;
    findings.push({ code: 'patternTooLarge', where: `rules[${order}].match.pattern`, message });
    break;
  }
  return { rules: ready, findings };
}

function makeReady(rule: PolicyRule, order: number, terms: SiteTerms): Made {
  const { match } = rule;
  const made = (ready: ReadyRule, { instructions, copies } = NO_STEPS): Made => ({ ready, instructions, copies });
  switch (match.kind) {
    case 'regex': {
      const compiled = compilePattern(match.pattern, match.ignoreCase);
      if (compiled.kind === 'refused') return refused('pattern', compiled.code, compiled.message);
      const { pattern } = compiled;
      return made({ kind: 'finder', rule, order, finder: regexFinder(pattern) }, pattern);
    }
    case 'identifier': {
      const finder = finderOf(match.identifier, terms);
      if ('refused' in finder) return refused('identifier', 'siteTermInvalid', finder.refused);
      return made({ kind: 'finder', rule, order, finder });
    }
    case 'topic': {
      const topic = topicFinder(Object.values(match.phrases).flat());
      if (topic.kind === 'refused') return refused('phrases', topic.code, topic.why);
      return made({ kind: 'finder', rule, order, finder: topic.finder });
    }
    case 'schema': {
      const compiled = compileSchema(match.schema);
      if (compiled.kind === 'refused') return refused(`schema${compiled.path}`, compiled.code, compiled.message);
      return made({ kind: 'whole', rule, order, isHit: compiled.isHit });
    }
    case 'length':
      return made({ kind: 'whole', rule, order, isHit: (text) => offsetOver(text, match.most) !== null });
  }
}

const refused = (at: string, code: PolicyFindingCode, message: string): Made => ({ refused: { at, code, message } });
