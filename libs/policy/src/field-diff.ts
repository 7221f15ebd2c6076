import { canonicalJson } from '@openward/contracts';

/** Null: it is not there. */
export interface FieldDiff {
  readonly field: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Objects part by part, down to the first that is no object on both sides. */
export function fieldDiffs(from: object, to: object, before = ''): FieldDiff[] {
  const [a, b] = [new Map(Object.entries(from)), new Map(Object.entries(to))];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((name) => {
    const [was, is] = [a.get(name) as unknown, b.get(name) as unknown];
    const field = `${before}${name}`;
    if (isObject(was) && isObject(is)) return fieldDiffs(was, is, `${field}.`);
    const [left, right] = [jsonOf(was), jsonOf(is)];
    return left === right ? [] : [{ field, from: left, to: right }];
  });
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const jsonOf = (value: unknown): string | null => (value === undefined ? null : canonicalJson(value));
