import {
  GATEWAY_FIELDS,
  GATEWAY_PARAMETERS,
  OLLAMA_OPTIONS,
  PolicyParameter,
  type ParameterRule,
} from '@openward/contracts';
import { describe, expect, test } from 'vitest';
import { generationOf, type Asked } from './parameters.ts';

const release = { temperature: 0.2, topP: 0.9, seed: 7, maxTokens: 100 };
const plain = { temperature: 0.2, topP: 0.9, seed: 7, maxTokens: 100, stop: [] };
const openai = (body: Record<string, unknown>): Asked => ({ api: 'openai.chat', body });
const ollama = (options: Record<string, unknown>): Asked => ({ api: 'ollama.chat', body: { options } });
const under = (rules: ParameterRule[], asked: Asked, wish: { maxTokens?: number; stop?: string[] } = {}) =>
  generationOf(rules, release, { maxTokens: wish.maxTokens ?? null, stop: wish.stop ?? [], asked });

test('G1 each spelling is a field that the API’s table knows', () => {
  for (const [api, spellings] of Object.entries(GATEWAY_PARAMETERS))
    for (const name of Object.values(spellings).flat())
      expect(
        name.startsWith('options.') ? OLLAMA_OPTIONS : GATEWAY_FIELDS[api as keyof typeof GATEWAY_PARAMETERS],
      ).toHaveProperty(name.replace('options.', ''));
});

describe('without a rule', () => {
  test('sampling is the release’s, maxTokens can be lowered and never raised, and stop is added to', () => {
    expect(under([], openai({ temperature: 1, top_p: 0.1, seed: 1 }))).toEqual(plain);
    expect(under([], openai({}), { maxTokens: 5, stop: ['x'] })).toEqual({ ...plain, maxTokens: 5, stop: ['x'] });
    expect(under([], openai({}), { maxTokens: 500 })).toEqual(plain);
  });
});

describe('locked', () => {
  test.each(PolicyParameter.options)('%s stays the release’s, whatever the client sends', (field) => {
    const sent = openai({ temperature: 1, top_p: 0.1, seed: 1, max_tokens: 5, stop: 'x' });
    const given = under([{ kind: 'locked', field }], sent, { maxTokens: 5, stop: ['x'] });
    const free = under([], sent, { maxTokens: 5, stop: ['x'] });
    expect(given).toEqual({ ...free, [field]: plain[field] });
  });
});

describe('bounded', () => {
  const rule = (field: 'temperature' | 'topP' | 'maxTokens', min: number, max: number): ParameterRule[] => [
    { kind: 'bounded', field, min, max },
  ];
  test.each<[string, ParameterRule[], Asked, object]>([
    ['a temperature within', rule('temperature', 0, 1), openai({ temperature: 0.7 }), { temperature: 0.7 }],
    ['a temperature above', rule('temperature', 0, 1), openai({ temperature: 1.8 }), { temperature: 1 }],
    ['a temperature below', rule('temperature', 0.1, 1), ollama({ temperature: 0 }), { temperature: 0.1 }],
    ['none', rule('temperature', 0.5, 1), openai({}), {}],
    ['null', rule('temperature', 0.5, 1), openai({ temperature: null }), {}],
    [
      'a bound beyond what a release may bind',
      rule('temperature', 0, 9),
      openai({ temperature: 9 }),
      { temperature: 2 },
    ],
    ['top_p 0, which no runtime takes', rule('topP', 0, 1), ollama({ top_p: 0 }), { topP: 0.001 }],
    ['fewer tokens than the least', rule('maxTokens', 20, 50), openai({ max_completion_tokens: 3 }), { maxTokens: 20 }],
    ['more tokens than the most', rule('maxTokens', 20, 50), ollama({ num_predict: 99 }), { maxTokens: 50 }],
    ['no limit, as Ollama writes it', rule('maxTokens', 20, 50), ollama({ num_predict: -1 }), { maxTokens: 50 }],
    ['more than the release', rule('maxTokens', 1, 9_000), openai({ max_tokens: 9_000 }), { maxTokens: 100 }],
    [
      'two spellings, of which the first counts',
      rule('maxTokens', 1, 90),
      openai({ max_tokens: 80, max_completion_tokens: 30 }),
      { maxTokens: 30 },
    ],
  ])('%s', (_, rules, asked, changed) => {
    expect(under(rules, asked)).toEqual({ ...plain, ...changed });
  });

  test('what is no number is refused by the name that the client wrote', () => {
    expect(() => under(rule('temperature', 0, 1), openai({ temperature: 'hot' }))).toThrow('`temperature` is a number');
    expect(() => under(rule('topP', 0, 1), ollama({ top_p: [] }))).toThrow('`options.top_p` is a number');
    expect(() => under(rule('maxTokens', 1, 9), openai({ max_tokens: 1.5 }))).toThrow('`max_tokens` is a whole number');
  });
});

describe('denied', () => {
  const SAMPLE = { temperature: 1, topP: 0.5, seed: 1, maxTokens: 5, stop: ['x'] } as const;
  const rows = (Object.keys(GATEWAY_PARAMETERS) as (keyof typeof GATEWAY_PARAMETERS)[]).flatMap((api) =>
    PolicyParameter.options.flatMap((field) =>
      GATEWAY_PARAMETERS[api][field].map((name) => ({ api, field, name, value: SAMPLE[field] })),
    ),
  );
  test.for(rows)('$api refuses $name by that name', ({ api, field, name, value }) => {
    const body = name.startsWith('options.') ? { options: { [name.slice(8)]: value } } : { [name]: value };
    expect(() => under([{ kind: 'denied', field }], { api, body })).toThrow(`The field \`${name}\` is denied`);
  });

  test('what means "not used" is not refused', () => {
    expect(under([{ kind: 'denied', field: 'stop' }], openai({ stop: [] }))).toEqual(plain);
    expect(under([{ kind: 'denied', field: 'temperature' }], openai({ temperature: null }))).toEqual(plain);
    expect(under([{ kind: 'denied', field: 'seed' }], { api: 'ollama.chat', body: {} })).toEqual(plain);
  });
});
