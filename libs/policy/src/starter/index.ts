import type { PromptPolicy } from '@openward/contracts';
import { RULES } from './rules.ts';
import { TESTS } from './tests.ts';
import { EMERGENCY_NUMBER, TEXTS } from './texts.ts';

/** Short, so that the smallest models have room beside it: one that reads 512 tokens of a byte each still takes a question. */
const SYSTEM_PROMPT = `Say how urgently somebody must be seen: one sentence, then why.
In an emergency first: call {{emergencyNumber}}.
Ask for what is missing. Change no medicine.
Answer in the language of the question.`;

/**
 * What `openward policy init` writes: a policy for triage that a network can start from. Replies are streamed under it, since each
 * rule of replies that is enforced takes out matches of bounded length.
 */
export const starterPolicy = (): PromptPolicy => ({
  v: 1,
  id: 'triage',
  revision: 1,
  description:
    'Help with triage in English and French: red flags escalate, identifiers are noted in questions and taken out of replies.',
  notBefore: null,
  expires: null,
  minProtocol: 1,
  models: [],
  languages: ['en', 'fr'],
  systemPrompt: SYSTEM_PROMPT,
  variables: [
    {
      name: 'emergencyNumber',
      description: 'The number that is called in an emergency where the clinic is.',
      default: EMERGENCY_NUMBER,
      setBySite: true,
    },
  ],
  parameters: [
    { kind: 'bounded', field: 'temperature', min: 0, max: 0.7 },
    { kind: 'bounded', field: 'maxTokens', min: 16, max: 1_024 },
    { kind: 'locked', field: 'topP' },
  ],
  clientSystem: 'demote',
  controlCharacters: 'refuse',
  rules: structuredClone([...RULES]),
  texts: structuredClone(TEXTS),
  notices: { place: 'text' },
  disclaimer: 'disclaimer',
  log: ['action', 'ruleIds', 'language'],
  tests: structuredClone([...TESTS]),
});
