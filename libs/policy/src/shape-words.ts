import { PolicyRule, PolicyTest, PolicyVariable, PromptPolicy, wordsOfIssue } from '@openward/contracts';
import type { z } from 'zod';
import { inQuotes, shortened } from './visible.ts';

// What is wrong with the form of a field, for the person who wrote it: what stands there, what may, and an example.

type Issue = z.core.$ZodIssue;

interface Field {
  /** The path in a policy, `#` for a place in a list and `*` for a name that its author chose. */
  readonly at: RegExp;
  readonly allowed: string;
  readonly example: string;
}

const ID = 'begins with a small letter, and goes on with small letters, digits and hyphens, 64 characters at the most';
const NAME = 'has small letters, digits and hyphens, and begins with no hyphen, 39 characters at the most';
const LANGUAGE = 'is a language as BCP 47 writes it, small letters first';
const INSTANT = 'is a day and a time in UTC, with seconds and a Z';

const FIELDS: readonly Field[] = [
  { at: /^v$/, allowed: 'is 1', example: '1' },
  { at: /^(?:id|models\.#\.name)$/, allowed: NAME, example: 'triage' },
  { at: /^revision$/, allowed: 'is a whole number from 1 that only grows', example: '2' },
  { at: /^notBefore$/, allowed: `${INSTANT}, or null: at once`, example: '2027-01-31T00:00:00Z' },
  { at: /^expires$/, allowed: `${INSTANT}, or null: never`, example: '2027-01-31T00:00:00Z' },
  { at: /^minProtocol$/, allowed: 'is a whole number from 1', example: '1' },
  { at: /^models$/, allowed: 'is a list of models with their versions, empty for any', example: '[]' },
  { at: /^models\.#\.versions$/, allowed: 'is a list of versions, or null: all of them', example: '["1.2"]' },
  {
    at: /^models\.#\.versions\.#$/,
    allowed: 'is a version in quotes: small letters, digits, dots, underscores and hyphens',
    example: '"1.2"',
  },
  { at: /^languages$/, allowed: 'is a list of languages', example: '["en", "fr"]' },
  {
    at: /^(?:languages\.#|texts\.\*\.\*|tests\.#\.language|rules\.#\.match\.phrases\.\*)$/,
    allowed: LANGUAGE,
    example: 'pt-BR',
  },
  { at: /^rules\.#\.id$/, allowed: ID, example: 'chest-pain' },
  { at: /^tests\.#\.(?:rule|expect\.rules\.#)$/, allowed: `is the id of a rule: it ${ID}`, example: 'chest-pain' },
  { at: /^(?:texts\.\*|rules\.#\.action\.text)$/, allowed: `names a text: it ${ID}`, example: 'refusal' },
  { at: /^disclaimer$/, allowed: `names a text, or is null: none. A name ${ID}`, example: 'disclaimer' },
  {
    at: /^variables\.#\.name$/,
    allowed: 'begins with a small letter and goes on with letters and digits, 32 characters at the most',
    example: 'emergencyNumber',
  },
  { at: /^(?:variables\.#\.setBySite|rules\.#\.match\.ignoreCase)$/, allowed: 'is true or false', example: 'true' },
  {
    at: /^rules\.#\.timeLimitMs$/,
    allowed: 'is a whole number of milliseconds, from 50 to 1000',
    example: '100',
  },
  { at: /^rules\.#\.match\.most$/, allowed: 'is a whole number of characters, from 1 to 1000000', example: '6000' },
  { at: /^tests\.#\.today$/, allowed: 'is a day, in quotes', example: '"2026-03-01"' },
  { at: /^tests\.#\.cuts$/, allowed: 'is a list of places in the reply, rising; empty: whole', example: '[5, 9]' },
  {
    at: /^tests\.#\.expect\.asked$/,
    allowed: 'is what the model is asked, or null: it does not matter',
    example: 'null',
  },
  {
    at: /^notices\.field$/,
    allowed: 'is the name of a field of the reply: letters, digits and underscores, no digit first',
    example: 'notice',
  },
];

const MOST_SHOWN = 60;

/** `path` leads through the whole policy; `value` is what stands at the beginning of `issue.path`. */
export function wordsOf(issue: Issue, path: readonly PropertyKey[], value: unknown): string {
  if (issue.code === 'unrecognized_keys') return unknownFields(issue.keys, path);
  const found = valueAt(value, issue.path);
  const isKey = issue.code === 'invalid_key';
  const has = isKey ? inQuotes(shortened(String(path.at(-1)), MOST_SHOWN)) : shown(found);
  const name = isKey ? 'A name here' : String(path.findLast((key) => typeof key === 'string') ?? 'It');
  const what = has === null ? 'It is missing, and nothing in a policy goes without saying' : `It has ${has}`;
  const known = FIELDS.find(({ at }) => at.test(patternOf(path)));
  const allowed = known?.allowed ?? typeOf(issue) ?? wordsOfIssue(issue);
  const example = known === undefined ? '' : ` For example: ${known.example}`;
  return `${what}. ${name} ${allowed}.${example}`;
}

/** `rules.#.match.phrases.*`: names that the author chose stand in `texts`, `phrases` and `schema`. */
function patternOf(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => {
      if (typeof key === 'number') return '#';
      const isChosen = (path[0] === 'texts' && at > 0) || path[at - 1] === 'phrases';
      return isChosen ? '*' : String(key);
    })
    .join('.');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** Null: nothing stands there. */
function shown(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return value === '' ? 'an empty text' : inQuotes(shortened(value, MOST_SHOWN));
  if (typeof value === 'number' || typeof value === 'boolean')
    return `${typeof value === 'number' ? 'the number ' : ''}${String(value)}`;
  if (value === null) return 'null';
  if (!Array.isArray(value)) return 'names and values';
  return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'is a text: put it in quotes where YAML would read something else',
  number: 'is a number, without quotes',
  int: 'is a whole number, without quotes',
  boolean: 'is true or false, without quotes',
  array: 'is a list',
  object: 'is names and values',
  record: 'is names and values',
};

/** In the words of YAML. */
const typeOf = (issue: Issue): string | null =>
  issue.code === 'invalid_type' ? (TYPES[issue.expected] ?? null) : null;

const OF_OBJECTS: Readonly<Record<string, { readonly shape: Readonly<Record<string, unknown>> }>> = {
  '': PromptPolicy,
  'rules.#': PolicyRule,
  'tests.#': PolicyTest,
  'tests.#.expect': PolicyTest.shape.expect,
  'variables.#': PolicyVariable,
};

function unknownFields(names: readonly string[], path: readonly PropertyKey[]): string {
  const listed = names
    .slice(0, 5)
    .map((it) => inQuotes(shortened(it, MOST_SHOWN)))
    .join(', ');
  const object = OF_OBJECTS[patternOf(path)];
  const known = object === undefined ? '' : ` Fields are ${Object.keys(object.shape).join(', ')}.`;
  return `There is no field ${listed} here: see how it is spelt, or leave it out.${known}`;
}
