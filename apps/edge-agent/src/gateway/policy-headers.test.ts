import type { Hit, Notice } from '@openward/policy';
import { expect, test } from 'vitest';
import { policyHeaders } from './policy-headers.ts';

const hit = (rule: string, mode: Hit['mode'] = 'enforce'): Hit => ({
  rule,
  stage: 'output',
  does: 'annotate',
  mode,
  count: 1,
});
const notice = (text: string): Notice => ({ kind: 'escalation', rule: 'r', text });

test('nothing done says nothing, and a rule in shadow is not named', () => {
  expect(policyHeaders({ action: 'none', hits: [hit('a', 'shadow')], beside: [] })).toEqual({});
});

test('notices are percent-encoded, and rules are named once', () => {
  expect(
    policyHeaders({
      action: 'annotate',
      hits: [hit('a'), hit('b'), hit('a')],
      beside: [notice('Appelez le 15 : «été»\n😀')],
    }),
  ).toEqual({
    'x-openward-policy-action': 'annotate',
    'x-openward-policy-rules': 'a,b',
    'x-openward-notice': [encodeURIComponent('Appelez le 15 : «été»\n😀')],
  });
});

test('headers stay under what clients read: a rule too many is counted, and a text too long ends at a whole character', () => {
  const headers = policyHeaders({
    action: 'annotate',
    hits: Array.from({ length: 500 }, (_, index) => hit(`rule-number-${index}`)),
    beside: [notice('救'.repeat(300)), notice('急'.repeat(4000))],
  });
  const rules = String(headers['x-openward-policy-rules']);
  expect(rules).toMatch(/,\+\d+$/);
  const more = Number(rules.split('+')[1]);
  expect(rules.split(',').length - 1 + more).toBe(500);
  const [first, second] = headers['x-openward-notice'] as string[];
  expect(decodeURIComponent(first ?? '')).toBe('救'.repeat(300));
  expect(decodeURIComponent(second ?? '')).toMatch(/^急+$/);
  expect(JSON.stringify(headers).length).toBeLessThan(7_000);
});
