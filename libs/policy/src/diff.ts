import {
  canonicalJson,
  type PolicyRef,
  type PolicyRule,
  type PolicyTest,
  type PromptPolicy,
  type RuleId,
} from '@openward/contracts';
import { policyChangeOf, type PolicyChange } from './change.ts';
import { fieldDiffs, type FieldDiff } from './field-diff.ts';
import { allPairs, diffLines, type DiffLine } from './text-diff.ts';

/** Two policies side by side. Plain values, as REST gives them out. */
export interface PolicyDiff {
  readonly from: PolicyRef;
  readonly to: PolicyRef;
  /** What class of change the difference is; null: none but the revision. */
  readonly change: PolicyChange | null;
  /** Those that differ: `systemPrompt`, `description`, `texts.<code>.<language>`. */
  readonly texts: readonly TextDiff[];
  /** In the order of the newer policy, then those that it has no more. */
  readonly rules: readonly RuleDiff[];
  /** Everything else that differs: `expires`, `parameters`, `variables` … */
  readonly fields: readonly FieldDiff[];
  readonly tests: { readonly added: number; readonly removed: number };
}

export interface TextDiff {
  readonly where: string;
  readonly lines: readonly DiffLine[];
}

export interface RuleDiff {
  readonly rule: RuleId;
  /** `moved`: it stands elsewhere among the rules that both have; where two match at one place, the first acts. */
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  /** Each as its canonical JSON: `match.pattern`, `action.does`, `mode` …; and `position`, where it moved, from 1. */
  readonly fields: readonly FieldDiff[];
}

export function diffPolicies(from: PromptPolicy, to: PromptPolicy): PolicyDiff {
  return {
    from: { id: from.id, revision: from.revision },
    to: { id: to.id, revision: to.revision },
    change: policyChangeOf(from, to),
    texts: textDiffs(textsOf(from), textsOf(to)),
    rules: ruleDiffs(from.rules, to.rules),
    fields: fieldDiffs(restOf(from), restOf(to)),
    tests: testDiff(from.tests, to.tests),
  };
}

const textsOf = ({ systemPrompt, description, texts }: PromptPolicy): Map<string, string> =>
  new Map([
    ['description', description],
    ['systemPrompt', systemPrompt],
    ...Object.entries(texts).flatMap(([code, byLanguage]) =>
      Object.entries(byLanguage).map(([language, text]) => [`texts.${code}.${language}`, text] as const),
    ),
  ]);

function textDiffs(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): TextDiff[] {
  const left = allPairs();
  return [...new Set([...from.keys(), ...to.keys()])]
    .filter((where) => from.get(where) !== to.get(where))
    .map((where) => ({ where, lines: diffLines(from.get(where) ?? '', to.get(where) ?? '', left) }));
}

function restOf(policy: PromptPolicy): object {
  const { description: _d, systemPrompt: _s, texts: _x, rules: _r, tests: _t, revision: _n, ...rest } = policy;
  return rest;
}

function ruleDiffs(from: readonly PolicyRule[], to: readonly PolicyRule[]): RuleDiff[] {
  const [before, after] = [new Map(from.map((it) => [it.id, it])), new Map(to.map((it) => [it.id, it]))];
  const moved = movedAmong(
    from.map(({ id }) => id).filter((id) => after.has(id)),
    to.map(({ id }) => id).filter((id) => before.has(id)),
  );
  const placeOf = (rules: readonly PolicyRule[], id: RuleId): string =>
    String(rules.findIndex((it) => it.id === id) + 1);
  const stands = to.flatMap((rule): RuleDiff[] => {
    const was = before.get(rule.id);
    const fields = fieldDiffs(was ?? {}, rule).filter(({ field }) => field !== 'id');
    if (was === undefined) return [{ rule: rule.id, kind: 'added', fields }];
    const place = moved.has(rule.id)
      ? [{ field: 'position', from: placeOf(from, rule.id), to: placeOf(to, rule.id) }]
      : [];
    if (fields.length > 0) return [{ rule: rule.id, kind: 'changed', fields: [...fields, ...place] }];
    return place.length > 0 ? [{ rule: rule.id, kind: 'moved', fields: place }] : [];
  });
  const gone = from.filter(({ id }) => !after.has(id));
  return [
    ...stands,
    ...gone.map((rule): RuleDiff => {
      const fields = fieldDiffs(rule, {}).filter(({ field }) => field !== 'id');
      return { rule: rule.id, kind: 'removed', fields };
    }),
  ];
}

/** Of two orders of the same ids: those that stand at another place. */
const movedAmong = (from: readonly RuleId[], to: readonly RuleId[]): ReadonlySet<RuleId> =>
  new Set(to.filter((id, at) => from[at] !== id));

function testDiff(from: readonly PolicyTest[], to: readonly PolicyTest[]): PolicyDiff['tests'] {
  const [before, after] = [new Set(from.map(canonicalJson)), new Set(to.map(canonicalJson))];
  return {
    added: [...after].filter((it) => !before.has(it)).length,
    removed: [...before].filter((it) => !after.has(it)).length,
  };
}
