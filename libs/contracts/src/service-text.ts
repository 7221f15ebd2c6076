import type { Service } from './release.ts';
import { isBlankValue, MOST_VARIABLE_VALUE } from './variable-value.ts';

// The fallback text is told where no policy can be asked: the service is halted, does not serve, or its policy failed. So what it
// names stands beside it, in the same words as a policy's variables, and a site's own value holds for both.

const REFERENCE = /\{\{([a-z][A-Za-z0-9]{0,31})\}\}/g;
/** The longest that the text may be with sites' own values, in UTF-16 units. */
const MOST_FILLED = 4_000;

export interface ServiceTextFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is wrong with the words that a service's fallback text names. A service of before, without variables, names none. */
export function fallbackFaults({ fallbackText, variables = [] }: Service): readonly ServiceTextFault[] {
  const faults: ServiceTextFault[] = [];
  const text = (message: string) => faults.push({ path: ['fallbackText'], message });
  const lengths = new Map(variables.map((one) => [one.name, one.setBySite ? MOST_VARIABLE_VALUE : one.default.length]));
  let length = fallbackText.length;
  const named = new Set<string>();
  for (const [whole, name = ''] of fallbackText.matchAll(REFERENCE)) {
    length += (lengths.get(name) ?? whole.length) - whole.length;
    if (!named.has(name) && !lengths.has(name))
      text(`names {{${name}}}, which is not among the service's variables: declare it, with a default`);
    named.add(name);
  }
  if (fallbackText.replace(REFERENCE, '').includes('{{'))
    text('contains {{ that names no variable: write {{name}}, letters and digits, no blanks');
  if (length > MOST_FILLED)
    text(`can have ${length} characters when it is filled in, of which ${MOST_FILLED} are allowed`);
  for (const [at, { name, default: value }] of variables.entries()) {
    const fault = (field: string, message: string) => faults.push({ path: ['variables', at, field], message });
    if (value.includes('{{')) fault('default', 'contains {{: a value is a plain text, and names no variable');
    if (isBlankValue(value)) fault('default', 'is empty: the text would have a hole where it names the variable');
    if (!named.has(name)) fault('name', 'is not named in the fallback text');
    if (variables.findIndex((one) => one.name === name) !== at) fault('name', 'is declared twice');
  }
  return faults;
}
