// What differs between two policies comes as canonical JSON, for scripts. People read the same here in words: part by part, and of a
// list only what it gained and what it lost.

export interface ValueChange {
  readonly field: string;
  /** Null: it is not there; `reordered` where both have the same in another order. */
  readonly from: string | null;
  readonly to: string | null;
  readonly reordered: boolean;
}

/** Both as canonical JSON; null: not there. */
export function valueChanges(field: string, from: string | null, to: string | null): ValueChange[] {
  const [was, is] = [partsOf(field, parsed(from)), partsOf(field, parsed(to))];
  const names = [...new Set([...was.keys(), ...is.keys()])];
  const changes = names.flatMap((name): ValueChange[] => {
    const [before, after] = [was.get(name) ?? [], is.get(name) ?? []];
    const lost = without(before, after);
    const gained = without(after, before);
    if (lost.length + gained.length === 0) return [];
    return [{ field: name, from: joined(lost), to: joined(gained), reordered: false }];
  });
  return changes.length > 0 ? changes : [{ field, from: null, to: null, reordered: true }];
}

const joined = (texts: readonly string[]): string | null => (texts.length === 0 ? null : texts.join('; '));

/** Each that the other list has not as often. */
function without(texts: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return texts.filter((text) => {
    const at = left.indexOf(text);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** `undefined`: not there. What is no JSON is shown as it came. */
function parsed(json: string | null): unknown {
  if (json === null) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}

/** An object part by part, a list element by element, under the names of a policy's files. */
function partsOf(field: string, value: unknown): Map<string, readonly string[]> {
  if (value === undefined) return new Map();
  if (Array.isArray(value)) return new Map([[field, value.map(elementText)]]);
  if (!isObject(value)) return new Map([[field, [scalarText(value)]]]);
  return new Map(Object.entries(value).flatMap(([name, part]) => [...partsOf(`${field}.${name}`, part)]));
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function scalarText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (value === null) return 'none';
  if (value === '') return '(empty)';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : wordsOf(value);
}

/** Strings of a list stand in quotes, since they may hold what divides them. */
function elementText(value: unknown): string {
  if (typeof value === 'string') return `“${value}”`;
  return isObject(value)
    ? (parameterText(value) ?? modelText(value) ?? variableText(value) ?? wordsOf(value))
    : scalarText(value);
}

const wordsOf = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(elementText).join(', ');
  if (!isObject(value)) return scalarText(value);
  return Object.entries(value)
    .map(
      ([name, part]) =>
        `${name} ${isObject(part) ? `(${wordsOf(part)})` : Array.isArray(part) ? wordsOf(part) : scalarText(part)}`,
    )
    .join(', ');
};

function parameterText({ field, kind, min, max }: Fields): string | null {
  if (typeof field !== 'string') return null;
  if (kind === 'locked') return `${field}: the release’s value stands`;
  if (kind === 'denied') return `${field}: refused`;
  return kind === 'bounded' ? `${field}: from ${String(min)} to ${String(max)}` : null;
}

function modelText({ name, versions }: Fields): string | null {
  if (typeof name !== 'string' || versions === undefined) return null;
  return Array.isArray(versions) ? `${name} ${versions.map(String).join(', ')}` : `${name}, every version`;
}

function variableText({ name, default: standard, setBySite, description }: Fields): string | null {
  if (typeof name !== 'string' || standard === undefined) return null;
  const who = setBySite === true ? 'a site can set its own' : 'a site cannot set it';
  return `{{${name}}}: “${scalarText(standard)}”, ${who}${typeof description === 'string' ? `; for: ${description}` : ''}`;
}
