// Adds a field to a JSON object without writing the rest anew, which would round its numbers.

interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The text with `field` as a string of its top object, in place of one that it had; null where it is no JSON object. */
export function withField(text: string, field: string, value: string): string | null {
  if (!isObject(text)) return null;
  const members = membersOf(text);
  const written = JSON.stringify(value);
  const old = members.filter(({ name }) => name === field);
  if (old.length > 0) {
    return old.reduceRight((out, { start, end }) => out.slice(0, start) + written + out.slice(end), text);
  }
  const close = text.lastIndexOf('}');
  return `${text.slice(0, close)}${members.length > 0 ? ',' : ''}${JSON.stringify(field)}:${written}${text.slice(close)}`;
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** The members of the top object, each with the place of its value. The text is JSON. */
function membersOf(text: string): readonly Member[] {
  const members: Member[] = [];
  let depth = 0;
  let name: string | null = null;
  let start = -1;
  let last = '';
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const end = index + token.length;
    if (depth === 1 && token === ':') {
      name = JSON.parse(last) as string;
      start = -1;
    } else if (depth === 1 && name !== null && start < 0) start = index;
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    const isWhole = depth === 1 && name !== null && start >= 0 && token !== ',' && token !== ':';
    if (isWhole && name !== null) {
      members.push({ name, start, end });
      name = null;
    }
    last = token;
  }
  return members;
}
