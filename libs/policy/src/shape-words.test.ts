import { describe, expect, it } from 'vitest';
import { examineShape } from './check.ts';
import { starterPolicy } from './starter/index.ts';
import { policyOf, regex, ruleOf } from './testing.ts';

const found = (document: unknown): string[] =>
  examineShape(document).findings.map(({ where, message }) => `${where}: ${message}`);
const of = (given: Readonly<Record<string, unknown>>): string[] => found({ ...policyOf([]), ...given });
const ofRule = (given: Readonly<Record<string, unknown>>): string[] =>
  of({ rules: [{ ...ruleOf('a', regex('a')), ...given }] });

describe('a field that has not its form', () => {
  it.each<[string, string[], string]>([
    [
      'an instant that is a day',
      of({ expires: '2027-01-31' }),
      'expires: It has “2027-01-31”. expires is a day and a time in UTC, with seconds and a Z, or null: never. For example: 2027-01-31T00:00:00Z',
    ],
    [
      'a field that is missing',
      of({ notBefore: undefined }),
      'notBefore: It is missing, and nothing in a policy goes without saying. notBefore is a day and a time in UTC, with seconds and a Z, or null: at once. For example: 2027-01-31T00:00:00Z',
    ],
    [
      'a name',
      of({ id: 'Ward 7' }),
      'id: It has “Ward 7”. id has small letters, digits and hyphens, and begins with no hyphen, 39 characters at the most. For example: triage',
    ],
    [
      'a rule’s id',
      ofRule({ id: '7th' }),
      'rules[0].id: It has “7th”. id begins with a small letter, and goes on with small letters, digits and hyphens, 64 characters at the most. For example: chest-pain',
    ],
    [
      'a language',
      of({ languages: ['English'] }),
      'languages[0]: It has “English”. languages is a language as BCP 47 writes it, small letters first. For example: pt-BR',
    ],
    [
      'a language that names a text',
      of({ texts: { refusal: { EN: 'No.' } } }),
      'texts.refusal.EN: It has “EN”. A name here is a language as BCP 47 writes it, small letters first. For example: pt-BR',
    ],
    ['one of a list', ofRule({ mode: 'shade' }), 'rules[0].mode: It has “shade”. mode is one of enforce, shadow.'],
    [
      'a kind',
      ofRule({ match: { kind: 'words' } }),
      'rules[0].match.kind: It has “words”. kind is one of regex, identifier, topic, schema, length.',
    ],
    [
      'a number that is a text',
      of({ revision: '2' }),
      'revision: It has “2”. revision is a whole number from 1 that only grows. For example: 2',
    ],
    [
      'a text that is too long',
      of({ description: 'x'.repeat(501) }),
      `description: It has “${'x'.repeat(59)}…”. description has at most 500 characters.`,
    ],
    [
      'a time limit',
      ofRule({ timeLimitMs: 2 }),
      'rules[0].timeLimitMs: It has the number 2. timeLimitMs is a whole number of milliseconds, from 50 to 1000. For example: 100',
    ],
    [
      'a field that is not known',
      ofRule({ patern: 'x' }),
      'rules[0]: There is no field “patern” here: see how it is spelt, or leave it out. Fields are id, description, stage, match, action, mode, timeLimitMs.',
    ],
  ])('is told with what may stand there and an example: %s', (_what, found_, expected) => {
    expect(found_).toEqual([expected]);
  });

  it('is never told in the words of the reader of schemas', () => {
    const isRead = (key: string): boolean => ['language', 'timeLimitMs', 'does', 'today', 'mode', 'rule'].includes(key);
    const spoilt = JSON.parse(JSON.stringify(starterPolicy()), (key, value: unknown) =>
      isRead(key) ? ['?'] : value,
    ) as Readonly<Record<string, unknown>>;
    const nothing = Object.fromEntries(Object.keys(starterPolicy()).map((key) => [key, { is: 'wrong' }]));
    const messages = [
      ...found(spoilt),
      ...found({ ...nothing, rules: [], tests: [] }),
      ...found({ rules: [], tests: [] }),
    ];
    expect(messages.length).toBeGreaterThan(100);
    expect(messages.filter((it) => /must match pattern|[Ii]nvalid|expected|Unrecognized|>=|<=/.test(it))).toEqual([]);
  });
});
