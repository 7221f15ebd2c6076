import type { CompiledPolicy } from '@openward/policy';
import { expect, test } from 'vitest';
import { NO_SITE_TERMS, PolicyFailure } from '@openward/policy';
import { compiledPolicy } from './compiled.ts';
import { PolicyCounts } from './policy-counts.ts';
import { policyWith, ruleWith, shortly, words } from './policy.fixture.ts';
import { createShadowJudge, MOST_SHADOW_CHARACTERS, type ShadowCase } from './shadow.ts';

const next = policyWith({
  revision: 4,
  rules: [
    ruleWith({ id: 'in', stage: 'input', match: words('pain'), action: { does: 'block', text: 'refusal' } }),
    ruleWith({ id: 'out', stage: 'output', match: words('pain'), action: { does: 'annotate' } }),
  ],
  texts: { refusal: { en: 'No.', fr: 'Non.' } },
});
const compiled = compiledPolicy(next, NO_SITE_TERMS);

const caseOf = (given: string, reply: string | null, policy: CompiledPolicy = compiled): ShadowCase => ({
  service: 'triage',
  shadow: { compiled: policy },
  given: [{ role: 'user', text: given }],
  reply: reply === null ? null : { text: reply, finishReason: 'stop' },
  language: null,
});

/** What is counted once everything that could go on has gone on. */
async function countedOf(cases: readonly ShadowCase[], now: () => number = () => 0): Promise<string[]> {
  const counts = new PolicyCounts(() => '2026-03-01');
  const shadows = createShadowJudge({ counts, today: () => '2026-03-01', now });
  for (const one of cases) shadows.judge(one);
  expect(counts.take()).toEqual([]);
  for (let turn = 0; turn < cases.length + 1; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(counts.troubles()).toEqual([]);
  return shortly(counts.take());
}

test('what a request would meet is counted: a block has no reply to judge, and no text is kept', async () => {
  expect(await countedOf([caseOf('pain', 'pain'), caseOf('hi', 'pain'), caseOf('hi', null)])).toEqual([
    '* next judged 3',
    'in next block 1',
    'out next annotate 1',
  ]);
});

test('it is left out where the event loop is behind, where many wait already, and for a text that is very long', async () => {
  let at = 0;
  expect(await countedOf([caseOf('pain', null)], () => (at += 100))).toEqual([]);
  expect(await countedOf(Array.from({ length: 50 }, () => caseOf('pain', null)))).toEqual([
    '* next judged 8',
    'in next block 8',
  ]);
  expect(await countedOf([caseOf('x'.repeat(MOST_SHADOW_CHARACTERS + 1), null)])).toEqual([]);
});

test('a rule that cannot be applied is counted, and is no trouble of what serves', async () => {
  const fails = {
    ...compiled,
    applyInput: () => {
      throw new PolicyFailure('in', 'too slow');
    },
  };
  expect(await countedOf([caseOf('pain', null, fails)])).toEqual(['in next failed 1']);
});
