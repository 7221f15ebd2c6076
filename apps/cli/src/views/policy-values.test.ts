import { plainPolicy, type PolicyRule } from '@openward/contracts';
import { diffPolicies, visible } from '@openward/policy';
import { expect, it } from 'vitest';
import { plain } from '../terminal.ts';
import { diffText } from './policy.ts';
import { valueChanges } from './policy-values.ts';

const change = (field: string, from: unknown, to: unknown) =>
  valueChanges(
    field,
    from === undefined ? null : JSON.stringify(from),
    to === undefined ? null : JSON.stringify(to),
  ).map((it) => [it.field, it.from, it.to]);

it.each([
  ['expires', null, '2026-09-01T00:00:00Z', [['expires', 'none', '2026-09-01T00:00:00Z']]],
  ['match.ignoreCase', true, false, [['match.ignoreCase', 'yes', 'no']]],
  ['disclaimer', undefined, '', [['disclaimer', null, '(empty)']]],
  [
    'match.phrases.en',
    ['chest pain', 'stroke'],
    ['stroke', 'fits, or a seizure'],
    [['match.phrases.en', '“chest pain”', '“fits, or a seizure”']],
  ],
  [
    'parameters',
    [{ field: 'temperature', kind: 'bounded', max: 1, min: 0 }],
    [
      { field: 'temperature', kind: 'bounded', max: 0.5, min: 0 },
      { field: 'stop', kind: 'denied' },
    ],
    [['parameters', 'temperature: from 0 to 1', 'temperature: from 0 to 0.5; stop: refused']],
  ],
  ['models', [], [{ name: 'nano', versions: ['1', '2'] }], [['models', null, 'nano 1, 2']]],
  [
    'variables',
    [{ name: 'number', default: '112', setBySite: true, description: 'To call.' }],
    [{ name: 'number', default: '999', setBySite: true, description: 'To call.' }],
    [
      [
        'variables',
        '{{number}}: “112”, a site can set its own; for: To call.',
        '{{number}}: “999”, a site can set its own; for: To call.',
      ],
    ],
  ],
  [
    'action',
    undefined,
    { does: 'redact', marker: '[number]' },
    [
      ['action.does', null, 'redact'],
      ['action.marker', null, '[number]'],
    ],
  ],
])('%s is told in words: of lists what they gained and lost, of objects their parts', (field, from, to, told) => {
  expect(change(field, from, to)).toEqual(told);
});

it('says of a list in another order just that, and shows what is no JSON as it came', () => {
  expect(valueChanges('log', '["action","ruleIds"]', '["ruleIds","action"]')).toMatchObject([{ reordered: true }]);
  expect(valueChanges('x', '{oh', null)).toMatchObject([{ from: '{oh', to: null }]);
});

it('no JSON is left in what a hospital reads of a difference', () => {
  const rule: PolicyRule = {
    id: 'flags',
    description: 'Words of an emergency.',
    stage: 'input',
    match: { kind: 'topic', phrases: { en: ['chest pain'], fr: ['douleur thoracique'] } },
    action: { does: 'escalate', text: 'emergency' },
    mode: 'enforce',
    timeLimitMs: 50,
  };
  const from = plainPolicy('Be brief.', { id: 'ward' });
  const to = {
    ...from,
    revision: 2,
    rules: [rule],
    models: [{ name: 'nano', versions: null }],
    parameters: [{ field: 'temperature' as const, kind: 'bounded' as const, min: 0, max: 0.4 }],
    texts: { emergency: { en: 'Call 112.' } },
  };
  const text = diffText(diffPolicies(from, to), plain, visible);
  expect(text).not.toMatch(/[[{]"|":/);
  expect(text).toContain('+ match.phrases.fr: “douleur thoracique”');
  expect(text).toContain('+ models: nano, every version');
});
