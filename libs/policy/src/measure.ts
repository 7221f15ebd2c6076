import { MAX_POLICY_BYTES, MAX_POLICY_RULES } from '@openward/contracts';
import { pathOf } from './findings.ts';
import type { PolicyFinding, PolicyFindingCode } from './model.ts';

// The first look at a document that anybody may have sent: whether it is JSON at all, and small enough to be looked at further.
// Costs no more than a policy of the largest size would, whatever comes, and needs no stack.

/** Deeper than any policy: the values of a schema of the deepest kind stand at 24. */
const MOST_DEPTH = 32;
/** The longest list of a policy, its tests. */
const MOST_ITEMS = 4_000;
const MOST_NAMES = 1_000;

export type Measured =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

interface Place {
  readonly value: unknown;
  readonly depth: number;
  readonly key: PropertyKey;
  readonly parent: Place | null;
}

/** Takes a value, or JSON as a text or as bytes in UTF-8. */
export function measureDocument(document: unknown): Measured {
  if (typeof document === 'string') return document.length > MAX_POLICY_BYTES ? tooLarge() : parse(document);
  if (document instanceof Uint8Array) {
    return document.byteLength > MAX_POLICY_BYTES ? tooLarge() : parse(Buffer.from(document).toString('utf8'));
  }
  return measure(document);
}

function parse(text: string): Measured {
  try {
    return measure(JSON.parse(text));
  } catch {
    return refused('shape', '', 'It is not JSON.');
  }
}

function measure(document: unknown): Measured {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return refused('shape', '', 'A policy is an object.');
  const { rules } = document as { readonly rules?: unknown };
  if (Array.isArray(rules) && rules.length > MAX_POLICY_RULES) {
    return refused(
      'tooManyRules',
      'rules',
      `It has ${rules.length} rules, of which ${MAX_POLICY_RULES} are allowed. Join rules that do the same.`,
    );
  }
  let left = MAX_POLICY_BYTES;
  const open: Place[] = [{ value: document, depth: 0, key: '', parent: null }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, depth } = place;
    if (depth > MOST_DEPTH) {
      return refused(
        'tooLarge',
        whereOf(place),
        `It is nested deeper than ${MOST_DEPTH} levels. No policy needs that.`,
      );
    }
    if (typeof value !== 'object' || value === null) {
      const wrong = wrongScalar(value);
      if (wrong !== null) return refused('shape', whereOf(place), wrong);
      left -= typeof value === 'string' ? bytesOf(value, left) : String(value).length;
      if (left < 0) return tooLarge();
      continue;
    }
    const list = Array.isArray(value);
    if (list && value.length > MOST_ITEMS) {
      return refused(
        'tooLarge',
        whereOf(place),
        `The list has ${value.length} items, of which ${MOST_ITEMS} are allowed.`,
      );
    }
    if (!list && !isPlain(value)) return refused('shape', whereOf(place), 'It is no object of JSON.');
    const names = list ? [] : Object.keys(value);
    if (names.length > MOST_NAMES) {
      return refused('tooLarge', whereOf(place), `It has ${names.length} names, of which ${MOST_NAMES} are allowed.`);
    }
    const keys = list ? [...value.keys()] : names.filter((key) => value[key as never] !== undefined);
    left -= 2 + Math.max(0, keys.length - 1);
    if (left < 0) return tooLarge();
    for (const key of keys) {
      if (typeof key === 'string') {
        if (key === '__proto__') return refused('shape', whereOf(place), 'A name may not be __proto__.');
        left -= bytesOf(key, left) + 1;
        if (left < 0) return tooLarge();
      }
      open.push({ value: (value as Record<PropertyKey, unknown>)[key], depth: depth + 1, key, parent: place });
    }
  }
  return { kind: 'ok', value: document };
}

/** Of its JSON. What is longer than what is left is not measured. */
const bytesOf = (text: string, left: number): number =>
  text.length > left ? text.length : Buffer.byteLength(JSON.stringify(text));

function wrongScalar(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) return 'The text has half a character (a lone surrogate).';
      return value.includes('\0') ? 'The text has a NUL, which not everything that keeps a policy can hold.' : null;
    case 'number':
      return Number.isFinite(value) ? null : 'It is no number of JSON.';
    case 'boolean':
      return null;
    case 'object':
      return null;
    case 'bigint':
    case 'function':
    case 'symbol':
    case 'undefined':
      return `It is no value of JSON (${typeof value}).`;
  }
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

function whereOf(place: Place): string {
  const path: PropertyKey[] = [];
  for (let at: Place | null = place; at?.parent; at = at.parent) path.unshift(at.key);
  return pathOf(path);
}

const refused = (code: PolicyFindingCode, where: string, message: string): Measured => ({
  kind: 'refused',
  findings: [{ code, where, message }],
});

const tooLarge = (): Measured =>
  refused(
    'tooLarge',
    '',
    `It is larger than ${MAX_POLICY_BYTES / 1024} KiB. A policy is read by people: what is longer is read by nobody.`,
  );
