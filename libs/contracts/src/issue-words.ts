import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/**
 * What may stand in a field, and an example: to be read after its name. A schema whose form says nothing to people, such as a
 * pattern, brings words of its own (`ids.ts`), which stay as they are.
 */
export function wordsOfIssue(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${isMissing(issue) ? 'is missing: it ' : ''}${TYPES[issue.expected] ?? `is ${issue.expected}`}`;
    case 'invalid_value':
      return `is ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return boundOf(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return boundOf(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    case 'not_multiple_of':
      return `is a multiple of ${issue.divisor}, such as ${issue.divisor}`;
    case 'unrecognized_keys':
      return `has no field ${issue.keys.slice(0, MOST_NAMED).join(', ')}: see how it is spelt, or leave it out`;
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues[0] === undefined
        ? issue.message
        : `holds a name or value that ${wordsOfIssue(issue.issues[0])}`;
    case 'invalid_union':
      return unionOf(issue);
    case 'invalid_format':
      return FORMATS[issue.format] ?? (issue.message.startsWith('Invalid') ? 'has another form' : issue.message);
    case 'custom':
      return issue.message;
  }
}

const MOST_NAMED = 5;

const FORMATS: Readonly<Record<string, string>> = {
  date: 'is a day, such as 2027-01-31',
  url: 'is an address with its scheme, such as http://127.0.0.1:11434',
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'is a text, such as "lakeside"',
  number: 'is a number, such as 1',
  int: 'is a whole number, such as 1',
  boolean: 'is true or false',
  array: 'is a list, such as ["lakeside"]',
  object: 'is an object of names and values, such as {"name": "lakeside"}',
  record: 'is an object of names and values, such as {"tier": ["district"]}',
};

/** An issue carries no value of its own; its message ends with the type that was there. */
const isMissing = ({ message }: Issue): boolean => message.endsWith('received undefined');

const UNITS: Readonly<Record<string, string>> = {
  string: ' characters',
  array: ' items',
  set: ' items',
  object: ' names',
};

function boundOf(origin: string, bound: number | bigint, how: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? `is ${how} ${bound}, such as ${bound}` : `has ${how} ${bound}${unit}`;
}

/** Of forms that are told apart by a field, those that there are; else what is wrong with the form that comes nearest. */
function unionOf(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  if ('options' in issue && Array.isArray(issue.options)) return `is one of ${issue.options.map(String).join(', ')}`;
  const nearest = issue.errors.toSorted((a, b) => a.length - b.length)[0]?.[0];
  if (nearest === undefined) return 'has none of the forms that are known';
  const at = nearest.path.map(String).join('.');
  return at === '' ? wordsOfIssue(nearest) : `has a field ${at} that ${wordsOfIssue(nearest)}`;
}
