import { describe, expect, it } from 'vitest';
import { plainPolicy, type ParameterRule, type PromptPolicy } from '@openward/contracts';
import type { Bound } from './class-of-change.ts';
import { misfitsOf } from './fit.ts';

const misfits = (given: Partial<PromptPolicy>, parameters: Bound['parameters'] = { temperature: 0.2, maxTokens: 64 }) =>
  misfitsOf({
    policy: { ...plainPolicy('Hello.', { languages: ['en', 'fr'] }), ...given },
    model: { name: 'nano', version: '2' } as Bound['model'],
    service: { name: 'triage', languages: ['fr', 'en'] } as Bound['service'],
    parameters,
  }).map(({ code, where }) => `${code} ${where}`);

describe('a policy is for a release', () => {
  it('of any model where it names none, of all versions of one, or of those that it names', () => {
    expect(misfits({})).toEqual([]);
    expect(misfits({ models: [{ name: 'nano', versions: null }] })).toEqual([]);
    expect(misfits({ models: [{ name: 'nano', versions: ['1', '2'] }] })).toEqual([]);
    expect(misfits({ models: [{ name: 'nano', versions: ['1'] }] })).toEqual(['shape models']);
    expect(misfits({ models: [{ name: 'other', versions: null }] })).toEqual(['shape models']);
  });

  it('whose service speaks no other language', () => {
    expect(misfits({ languages: ['en'] })).toEqual(['languageMissing languages']);
  });

  it.each<[ParameterRule, Partial<Bound['parameters']>, boolean]>([
    [{ kind: 'bounded', field: 'temperature', min: 0, max: 0.2 }, { temperature: 0.2 }, true],
    [{ kind: 'bounded', field: 'temperature', min: 0, max: 0.2 }, { temperature: 0.21 }, false],
    [{ kind: 'bounded', field: 'maxTokens', min: 16, max: 64 }, { maxTokens: 64 }, true],
    [{ kind: 'bounded', field: 'maxTokens', min: 16, max: 64 }, { maxTokens: 4_096 }, false],
    [{ kind: 'bounded', field: 'maxTokens', min: 16, max: 64 }, { maxTokens: 8 }, false],
    [{ kind: 'bounded', field: 'topP', min: 0.5, max: 0.9 }, {}, false],
    [{ kind: 'bounded', field: 'topP', min: 0.5, max: 0.9 }, { topP: 1 }, false],
    [{ kind: 'locked', field: 'maxTokens' }, { maxTokens: 4_096 }, true],
    [{ kind: 'denied', field: 'temperature' }, { temperature: 2 }, true],
  ])('whose own parameters are within its bounds: %j %j', (rule, own, fits) => {
    const found = misfits(
      { parameters: [{ kind: 'denied', field: 'seed' }, rule] },
      { temperature: 0, maxTokens: 32, ...own },
    );
    expect(found).toEqual(fits ? [] : ['shape parameters[1]']);
  });
});
