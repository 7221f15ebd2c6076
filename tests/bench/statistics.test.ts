import { expect, test } from 'vitest';
import { readOptions } from './options.ts';
import { seenOf } from './release-switch.ts';
import { asMarkdown, asText } from './report.ts';
import { figure, interleave, quantile } from './statistics.ts';

test('a quantile is one of the values', () => {
  expect([0, 0.5, 0.99, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([1, 2, 4, 4]);
  expect(() => quantile([], 0.5)).toThrow('nothing');
});

test.for([
  [0, '0'],
  [0.0123, '0.012'],
  [0.53, '0.53'],
  [5.25, '5.3'],
  [52.5, '53'],
  [20_853, '20,853'],
] as const)('%d is shown as %s', ([value, text]) => expect(figure(value)).toBe(text));

test('the sides of a comparison take turns, every second round backwards', async () => {
  const order: string[] = [];
  const side = (name: string) => async () => order.push(name);
  const results = await interleave(3, { a: side('a'), b: side('b') });
  expect(order.join('')).toBe('abbaab');
  expect(results.a).toHaveLength(3);
});

test('a table reads the same on a terminal and in a document', () => {
  const table = { head: ['way', 'speed'], rows: [['one', '1 MB/s']] };
  expect(asMarkdown(table)).toBe('| way | speed |\n|---|---:|\n| one | 1 MB/s |');
  expect(asText(table)).toContain('  one   1 MB/s');
});

test('a switch is seen by the first request that began after it, and what the other release still answers is told', () => {
  const reply = (began: number, release: string) => ({ began, ended: began + 5, status: 200, release });
  const replies = [reply(0, '1'), reply(9, '1'), reply(12, '2'), reply(20, '1'), reply(30, '2')];
  expect(seenOf(replies, { to: 2, at: 10 }, 100)).toEqual({ to: 2, firstMs: 7, stale: 1 });
  const across = [...replies, reply(98, '1')];
  expect(seenOf(across, { to: 2, at: 10 }, 100)).toEqual({ to: 2, firstMs: 7, stale: 1 });
  // On a slow machine the next switch can come before the first reply has ended.
  expect(seenOf(replies, { to: 2, at: 10 }, 13)).toEqual({ to: 2, firstMs: 7, stale: 0 });
});

test('an argument that is none is refused with the usage', () => {
  expect(() => readOptions(['--only', 'speed'])).toThrow('--size');
  expect(() => readOptions(['--size', 'big'])).toThrow('number above 0');
});
