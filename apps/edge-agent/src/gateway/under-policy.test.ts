import { NO_SITE_TERMS } from '@openward/policy';
import { expect, test } from 'vitest';
import { compiledPolicy } from './compiled.ts';
import { policyWith, ruleWith, words } from './policy.fixture.ts';
import { answerUnder } from './under-policy.ts';

const texts = { text: { en: 'Call 112.', fr: 'Appelez le 112.' } };
const rule = (id: string, stage: 'input' | 'output', word: string, action: Parameters<typeof ruleWith>[0]['action']) =>
  ruleWith({ id, stage, match: words(word), action });
const policy = policyWith({
  texts,
  disclaimer: 'text',
  controlCharacters: 'strip',
  rules: [
    rule('hide', 'input', 'name', { does: 'replace', replacement: 'N' }),
    rule('flag', 'input', 'chest pain', { does: 'escalate', text: 'text' }),
    rule('stop', 'input', 'bomb', { does: 'block', text: 'text' }),
    rule('swap', 'output', 'mole', { does: 'redact', marker: '[x]' }),
  ],
});

async function graded(question: string): Promise<{ body: string; action: string; asked: string | null }> {
  let asked: string | null = null;
  const { body, action } = await answerUnder(
    compiledPolicy(policy, NO_SITE_TERMS),
    { turns: [{ role: 'user', text: question }], language: null, today: '2026-03-01' },
    ([turn]) => {
      asked = turn?.text ?? '';
      return Promise.resolve({ text: 'a mole', finishReason: 'stop' });
    },
    () => 0,
  );
  return { body, action, asked };
}

test.each([
  ['my name\u0000 is', { body: 'a [x]', action: 'redact', asked: 'my N is' }],
  ['chest pain', { body: 'a [x]', action: 'escalate', asked: 'chest pain' }],
  ['a bomb', { body: 'Call 112.', action: 'block', asked: null }],
])('an evaluation grades what a clinic would get of %j, without notices', async (question, expected) => {
  expect(await graded(question)).toEqual(expected);
});
