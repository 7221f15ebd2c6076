import type { PromptPolicy, RuleMatch } from '@openward/contracts';
import type { CompiledPolicy, FieldDiff, PolicyDiff, PolicyFinding, StreamMode, TestResult } from '@openward/policy';
import { table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { valueChanges } from './policy-values.ts';
import { andMore, groupedByCode } from './grouped.ts';

// What the commands about policies print. Findings and descriptions come from the library as lines that hide nothing; texts of a
// difference are made so here, by the `visible` that the caller loads with the library.

export const refusedText = (findings: readonly PolicyFinding[], paint: Paint): string =>
  groupedByCode(findings)
    .flatMap(({ code, first, more }) => [
      ...first.map(({ where, message }) => `${paint('bad', code)} ${where}\n  ${message}\n`),
      more === 0 ? '' : `${paint('dim', andMore(code, more))}\n`,
    ])
    .join('');

/** A line for each rule: what it is, how its replies stream, its tests. */
export function testedText(
  { policy, stream, systemPrompt }: Pick<CompiledPolicy, 'policy' | 'stream' | 'systemPrompt'>,
  results: readonly TestResult[],
  paint: Paint,
): string {
  const rows = policy.rules.map((rule) => {
    const about = results.filter((it) => it.rule === rule.id);
    const passed = about.filter(({ differs }) => differs.length === 0).length;
    return [
      rule.id,
      rule.stage,
      kindOf(rule.match),
      rule.action.does,
      rule.mode,
      `${about.filter(({ positive }) => positive).length}+${about.filter(({ positive }) => !positive).length}`,
      paint(passed === about.length ? 'good' : 'bad', String(passed)),
      rule.stage === 'input' ? '-' : rule.mode === 'shadow' ? 'waits for nothing' : streamOf(stream, rule.id),
    ];
  });
  return [
    table(['rule', 'stage', 'kind', 'does', 'mode', 'tests', 'passed', 'stream'], rows),
    `\nStreamed replies: ${streamText(stream)}\n`,
    `System prompt: ${promptText(systemPrompt)}\n`,
  ].join('');
}

/** Only a model's own vocabulary tells its tokens, and a policy is not of one model. */
function promptText(systemPrompt: string): string {
  const bytes = Buffer.byteLength(systemPrompt);
  return (
    `${bytes} bytes, so ${bytes} tokens at the most (about ${Math.ceil(bytes / 4)} with the vocabulary of a large model). ` +
    'They stand before each question, and a question that does not fit beside them is refused (tooLong).'
  );
}

const kindOf = (match: RuleMatch): string => (match.kind === 'identifier' ? match.identifier : match.kind);

function streamOf(stream: StreamMode, rule: string): string {
  if (stream.kind !== 'buffer') return stream.kind;
  const why = stream.because.filter((it) => it.rule === rule).map((it) => it.why);
  return why.length > 0 ? `buffer: ${why.join('; ')}` : 'window';
}

export function streamText(stream: StreamMode): string {
  switch (stream.kind) {
    case 'pass':
      return 'pass as they come.';
    case 'window':
      return `pass with the last ${stream.heldBack} characters held back.`;
    case 'buffer':
      return `are held back whole, because of ${stream.because.map(({ rule, why }) => (rule === null ? why : `${rule} (${why})`)).join(', ')}.`;
  }
}

export const summaryText = ({ id, revision, rules, tests }: PromptPolicy): string =>
  `${id} ${revision}: ${rules.length} rules, ${tests.length} tests\n\n`;

export const expiredText = (policy: Pick<PromptPolicy, 'id' | 'revision' | 'expires'> | null): string =>
  policy === null
    ? ''
    : `${policy.id} ${policy.revision} HAS EXPIRED (${policy.expires}): no push, no plan and no node takes it.`;
export const NEXT_OF_EXPIRED = 'Give it a later `expires`, or null, and the next revision.';

/** Texts line by line, rules and everything else field by field, in words. */
export function diffText(diff: PolicyDiff, paint: Paint, visible: (text: string) => string): string {
  const { from, to, change } = diff;
  const fieldsOf = (fields: readonly FieldDiff[]): string[] => fieldLines(fields, paint, visible);
  const lines = [
    `${from.id} ${from.revision} → ${to.id} ${to.revision}: ${change ?? 'no difference but the revision'}`,
    ...diff.texts.flatMap(({ where, lines: of }) => [
      '',
      where,
      ...of.map(({ kind, text }) => {
        const line = visible(text);
        if (kind === 'same') return `    ${line}`.trimEnd();
        return kind === 'removed' ? paint('bad', `  - ${line}`) : paint('good', `  + ${line}`);
      }),
    ]),
    ...diff.rules.flatMap((it) => ['', `rule ${it.rule}: ${it.kind}`, ...fieldsOf(it.fields)]),
    ...(diff.fields.length === 0 ? [] : ['', 'everything else']),
    ...fieldsOf(diff.fields),
    ...(diff.tests.added + diff.tests.removed === 0
      ? []
      : ['', `tests: ${diff.tests.added} added, ${diff.tests.removed} removed`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Field by field: what is gone, then what is there in its place. */
export const fieldLines = (fields: readonly FieldDiff[], paint: Paint, visible: (text: string) => string): string[] =>
  fields.flatMap(({ field, from, to }) =>
    valueChanges(field, from, to).flatMap(({ field: part, from: was, to: is, reordered }) => [
      ...(reordered ? [`    ${part}: the same in another order`] : []),
      ...(was === null ? [] : [paint('bad', `  - ${part}: ${visible(was)}`)]),
      ...(is === null ? [] : [paint('good', `  + ${part}: ${visible(is)}`)]),
    ]),
  );
