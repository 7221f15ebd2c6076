import type { IdentifierKind, PolicyRule } from '@openward/contracts';
import { EMERGENCY, SELF_HARM } from './red-flags.ts';

const TIME_LIMIT_MS = 100;

type Phrases = Readonly<Record<string, readonly string[]>>;

const redFlag = (id: string, description: string, phrases: Phrases, text: string): PolicyRule => ({
  id,
  description,
  stage: 'input',
  match: {
    kind: 'topic',
    phrases: Object.fromEntries(Object.entries(phrases).map(([language, words]) => [language, [...words]])),
  },
  action: { does: 'escalate', text },
  mode: 'enforce',
  timeLimitMs: TIME_LIMIT_MS,
});

/** On the way in an identifier is noted and nothing else: a dose must never be lost to a recogniser that erred. */
const noted = (id: string, identifier: IdentifierKind, what: string): PolicyRule => ({
  id,
  description: `Notes that a question has ${what}. The question goes to the model as it is.`,
  stage: 'input',
  match: { kind: 'identifier', identifier },
  action: { does: 'annotate' },
  mode: 'enforce',
  timeLimitMs: TIME_LIMIT_MS,
});

const removed = (id: string, identifier: IdentifierKind, what: string, marker: string): PolicyRule => ({
  id,
  description: `Takes ${what} out of a reply.`,
  stage: 'output',
  match: { kind: 'identifier', identifier },
  action: { does: 'redact', marker },
  mode: 'enforce',
  timeLimitMs: TIME_LIMIT_MS,
});

export const MOST_CHARACTERS = 6_000;

export const RULES: readonly PolicyRule[] = [
  redFlag('emergency', 'Words of an emergency: the emergency number stands before the reply.', EMERGENCY, 'emergency'),
  redFlag('self-harm', 'Words of suicide and self-harm: whom to call stands before the reply.', SELF_HARM, 'self-harm'),
  {
    id: 'imitated-turns',
    description: 'Marks with which a model tells its turns apart have no place in a question.',
    stage: 'input',
    match: {
      kind: 'regex',
      pattern: String.raw`<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id)\|>|\[/?INST\]|<</?SYS>>`,
      ignoreCase: true,
    },
    action: { does: 'block', text: 'refusal' },
    mode: 'enforce',
    timeLimitMs: TIME_LIMIT_MS,
  },
  {
    id: 'question-length',
    description: `A question of more than ${MOST_CHARACTERS} characters is not answered: no part of it could be left out safely.`,
    stage: 'input',
    match: { kind: 'length', most: MOST_CHARACTERS },
    action: { does: 'block', text: 'too-long' },
    mode: 'enforce',
    timeLimitMs: TIME_LIMIT_MS,
  },
  noted('email-in', 'email', 'an e-mail address'),
  noted('phone-in', 'phone', 'a telephone number'),
  noted('card-in', 'cardNumber', 'a payment card number'),
  noted('birth-date-in', 'dateOfBirth', 'a date of birth'),
  noted('national-id-in', 'nationalId', 'a national identifier'),
  noted('record-number-in', 'recordNumber', 'a record number, in the form that the site gave'),
  removed('email-out', 'email', 'e-mail addresses', '[e-mail]'),
  removed('phone-out', 'phone', 'telephone numbers', '[telephone]'),
  removed('card-out', 'cardNumber', 'payment card numbers', '[card number]'),
  {
    id: 'stop-medicine',
    description: 'Counts replies that tell somebody to stop a medicine. It changes none: it is to be looked at first.',
    stage: 'output',
    match: {
      kind: 'regex',
      pattern: String.raw`\bstop taking (?:your|the) [a-z]{3,30}\b|\barr[eê]tez (?:de prendre )?(?:votre|vos|le|la) [a-zà-ÿ]{3,30}`,
      ignoreCase: true,
    },
    action: { does: 'annotate' },
    mode: 'shadow',
    timeLimitMs: TIME_LIMIT_MS,
  },
];
