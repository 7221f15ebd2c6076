import type { CompiledPolicy } from '@openward/policy';
import { expect, test } from 'vitest';
import { MOST_WATCHED, NO_SITE_TERMS } from '@openward/policy';
import { compiledPolicy } from './compiled.ts';
import { PolicyCounts } from './policy-counts.ts';
import { policyWith, ruleWith, shortly, words } from './policy.fixture.ts';
import { createShadowJudge, keepForShadow, type ShadowCase } from './shadow.ts';

const next = policyWith({
  revision: 4,
  rules: [
    ruleWith({ id: 'in', stage: 'input', match: words('pain'), action: { does: 'block', text: 'refusal' } }),
    ruleWith({ id: 'out', stage: 'output', match: words('pain'), action: { does: 'annotate' } }),
  ],
  texts: { refusal: { en: 'No.', fr: 'Non.' } },
});
const compiled = compiledPolicy(next, NO_SITE_TERMS);

const OWN = policyWith({
  rules: [ruleWith({ id: 'own', stage: 'output', match: words('pain'), action: { does: 'annotate' }, mode: 'shadow' })],
});

const caseOf = (given: string, reply: string | null, more: Partial<ShadowCase> = {}): ShadowCase => ({
  service: 'triage',
  own: null,
  next: { shadow: { compiled }, parameters: { temperature: 0, maxTokens: 8 } },
  conversation: {
    service: 'triage',
    turns: [{ role: 'user', text: given }],
    hasSystem: false,
    stream: false,
    maxTokens: null,
    stop: [],
    asked: null,
    includeUsage: false,
  },
  reply,
  language: null,
  ...more,
});
const underNext = (policy: CompiledPolicy): Partial<ShadowCase> => ({
  next: { shadow: { compiled: policy }, parameters: { temperature: 0, maxTokens: 8 } },
});

/** What is counted once everything that could go on has gone on. */
async function countedOf(cases: readonly ShadowCase[], now: () => number = () => 0): Promise<string[]> {
  const counts = new PolicyCounts(() => '2026-03-01');
  const shadows = createShadowJudge({ counts, today: () => '2026-03-01', now, log: { error: () => {} } });
  for (const one of cases) shadows.judge(one);
  expect(counts.take()).toEqual([]);
  for (let turn = 0; turn < 5 * cases.length + 1; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(counts.troubles(() => next)).toEqual([]);
  return shortly(counts.take());
}

test('what a request would meet is counted, question and reply apart: a block has no reply to judge', async () => {
  expect(await countedOf([caseOf('pain', 'pain'), caseOf('hi', 'pain'), caseOf('hi', null)])).toEqual([
    '* input next judged 3',
    '* output next judged 1',
    'in next block 1',
    'out next annotate 1',
  ]);
});

test('rules in shadow of the policy that serves are counted here too, and read what its other rules read', async () => {
  const own = { compiled: compiledPolicy(OWN, NO_SITE_TERMS), given: [{ role: 'user' as const, text: 'hi' }] };
  expect(await countedOf([caseOf('hi', 'pain', { own, next: null })])).toEqual([
    '* output shadow judged 1',
    'own shadow annotate 1',
  ]);
});

test('a request that the next policy would refuse is counted as refused, and no rule of it is asked', async () => {
  const refuses = compiledPolicy(
    { ...next, clientSystem: 'refuse', parameters: [{ kind: 'denied', field: 'temperature' }] },
    NO_SITE_TERMS,
  );
  const { conversation } = caseOf('pain', null);
  const asked = { api: 'openai.chat', body: { temperature: 1 } } as const;
  const cases = [
    { ...conversation, hasSystem: true },
    { ...conversation, turns: [{ role: 'user', text: 'pain\u0000' }] as const },
    { ...conversation, asked },
  ].map((given) => caseOf('', 'pain', { ...underNext(refuses), conversation: given }));
  expect(await countedOf(cases)).toEqual(['* input next refused 3']);
});

test('it is left out where the event loop is behind, where many wait already, and for a text that is very long', async () => {
  let at = 0;
  expect(await countedOf([caseOf('pain', null)], () => (at += 100))).toEqual([]);
  expect(await countedOf(Array.from({ length: 50 }, () => caseOf('pain', null)))).toEqual([
    '* input next judged 8',
    'in next block 8',
  ]);
  expect(await countedOf([caseOf('x'.repeat(MOST_WATCHED + 1), null)])).toEqual([]);
  expect(keepForShadow('x', 'y'.repeat(MOST_WATCHED))).toBeNull();
});

test('a rule that cannot be applied is counted, and is no trouble of what serves', async () => {
  const fails = { ...compiled, watch: () => ({ hits: [], failed: ['in'] }) };
  expect(await countedOf([caseOf('pain', null, underNext(fails))])).toEqual([
    '* input next judged 1',
    'in next failed 1',
  ]);
});
