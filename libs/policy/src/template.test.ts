import { describe, expect, it } from 'vitest';
import { plainPolicy, type PromptPolicy } from '@openward/contracts';
import { renderTemplate, templateFindings, variableValues } from './template.ts';

const number = { name: 'number', description: 'The emergency number.', default: '112', setBySite: true };
const policyOf = (given: Partial<PromptPolicy>): PromptPolicy => ({ ...plainPolicy('A prompt.'), ...given });
const codes = (given: Partial<PromptPolicy>): string[] =>
  [...templateFindings(policyOf(given))].map(({ code, where }) => `${code} ${where}`);

describe('a template', () => {
  it('is filled in in one pass: what a value contains is a text', () => {
    expect(renderTemplate('Call {{a}}, {{b}}, $&.', { a: '{{b}}', b: '$&{{a}}' })).toBe('Call {{b}}, $&{{a}}, $&.');
  });

  it('is not filled in half: a variable that has no value throws', () => {
    expect(() => renderTemplate('{{toString}}', {})).toThrow('toString');
  });

  it('takes the value of the site where the policy lets it set one, and nowhere else', () => {
    const policy = policyOf({ variables: [number, { ...number, name: 'fixed', setBySite: false }] });
    expect(variableValues(policy, { number: '999', fixed: '999', other: 'x' })).toEqual({
      number: '999',
      fixed: '112',
    });
    expect(variableValues(policy, {})).toEqual({ number: '112', fixed: '112' });
  });

  it.each(['', ' ', '\u200B', '9\n99'])('keeps its default where an older agent stored %j for it', (value) => {
    expect(variableValues(policyOf({ variables: [number] }), { number: value })).toEqual({ number: '112' });
  });
});

describe('the templates of a policy are refused', () => {
  it('where they name what is not declared', () => {
    expect(codes({ systemPrompt: '{{number}} {{other}} {{other}}', variables: [number] })).toEqual([
      'variableUnknown systemPrompt',
    ]);
    expect(codes({ texts: { stop: { en: '{{toString}}' } } })).toEqual(['variableUnknown texts.stop.en']);
  });

  it('where a default is empty or blank', () => {
    expect(codes({ variables: [{ ...number, default: '' }] })).toEqual(['templateInvalid variables[0].default']);
    expect(codes({ variables: [{ ...number, default: ' \u200B' }] })).toEqual(['templateInvalid variables[0].default']);
  });

  it('where they refer to themselves, at once or by way of others', () => {
    const named = (name: string, value: string) => ({ ...number, name, default: value });
    expect(codes({ variables: [named('a', 'x {{a}}')] })).toEqual(['templateSelfReference variables[0].default']);
    expect(codes({ variables: [named('a', '{{b}}'), named('b', '{{c}}'), named('c', '{{a}}{{a}}')] })).toEqual([
      'templateSelfReference variables[0].default',
      'templateSelfReference variables[1].default',
      'templateSelfReference variables[2].default',
    ]);
    expect(codes({ texts: { stop: { en: 'Stop. {{stop}}' } } })).toEqual(['templateSelfReference texts.stop.en']);
  });

  it('where a value, or what stands in the place of a match, is a template', () => {
    const rule = {
      id: 'a',
      description: 'A rule.',
      stage: 'output',
      match: { kind: 'regex', pattern: 'a', ignoreCase: false },
      action: { does: 'redact', marker: '{{number}}' },
      mode: 'enforce',
      timeLimitMs: 50,
    } as const;
    expect(codes({ rules: [rule] })).toEqual(['templateInvalid rules[0].action']);
    expect(codes({ variables: [number, { ...number, name: 'b', default: '{{number}}' }] })).toEqual([
      'templateInvalid variables[1].default',
    ]);
  });

  it.each(['{{', 'a {{ number }}', '{{number}} {{number}', '{{9}}', '{{{{'])('where they are half one: %s', (text) => {
    expect(codes({ systemPrompt: text, variables: [number] })).toEqual(['templateInvalid systemPrompt']);
  });

  it('where they grow without measure', () => {
    const systemPrompt = '{{number}}'.repeat(1_000);
    expect(codes({ systemPrompt, variables: [number] })).toEqual(['templateInvalid systemPrompt']);
    expect(codes({ systemPrompt, variables: [{ ...number, setBySite: false }] })).toEqual([]);
  });
});
