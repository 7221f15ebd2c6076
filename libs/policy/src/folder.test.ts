import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainPolicy, type PromptPolicy } from '@openward/contracts';
import { POLICY_FILES, readPolicyFolder, writePolicyFolder } from './folder.ts';
import { starterPolicy } from './starter/index.ts';

const policy: PromptPolicy = {
  ...plainPolicy('First line.\nSecond line: {{number}}.\n', { languages: ['en', 'fr'] }),
  notBefore: '2026-03-01T00:00:00Z',
  variables: [{ name: 'number', description: 'The emergency number.', default: '0112', setBySite: true }],
  rules: [
    {
      id: 'no',
      description: 'Yes: a rule # with marks.',
      stage: 'output',
      match: { kind: 'regex', pattern: '\\b(?:no|"yes")\\b\\s*: {2}&x *y', ignoreCase: true },
      action: { does: 'redact', marker: '[…]' },
      mode: 'enforce',
      timeLimitMs: 50,
    },
  ],
  texts: { no: { en: 'No.\n\n  Indented.\n', fr: 'Non.' } },
};

/** What the files would be with one of them changed; without it where the text is null. */
const withFile = (name: string, text: string | null): Record<string, string> => {
  const { [name]: _was, ...others } = writePolicyFolder(policy) as Record<string, string>;
  return text === null ? others : { ...others, [name]: text };
};
const refusals = (files: Record<string, string>): string[] => {
  const folder = readPolicyFolder(files);
  return folder.kind === 'ok' ? [] : folder.findings.map(({ where, message }) => `${where}: ${message}`);
};

describe('a folder', () => {
  it('is read as the policy that was written', () => {
    for (const written of [policy, starterPolicy(), plainPolicy('')])
      expect(readPolicyFolder(writePolicyFolder(written))).toEqual({ kind: 'ok', document: written });
  });

  it('holds every text of a policy, whatever is in it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom(
          '\n',
          '\r',
          '\t',
          ' ',
          ':',
          '-',
          '#',
          '"',
          "'",
          '|',
          '>',
          'a',
          '\u2028',
          '\x85',
          '\uFEFF',
          '0',
          '~',
        ),
      }),
      fc.constantFrom('no', 'null', '1.0', '2026-01-01', '---', '...', '<<', '!!x', '&a', '*a', '%YAML 1.1'),
    );
    fc.assert(
      fc.property(text, text, text, (systemPrompt, pattern, said) => {
        const [rule] = policy.rules;
        const written: PromptPolicy = {
          ...policy,
          systemPrompt,
          description: said,
          rules: [{ ...rule!, description: said, match: { kind: 'regex', pattern, ignoreCase: true } }],
          texts: { no: { en: said, fr: pattern } },
        };
        expect(readPolicyFolder(writePolicyFolder(written))).toEqual({ kind: 'ok', document: written });
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  it('is refused with a file that is not known, and without one that is', () => {
    expect(refusals(withFile('rule.yaml', ''))).toEqual([expect.stringMatching(/^rule\.yaml: .*no such file/)]);
    for (const name of POLICY_FILES)
      expect(refusals(withFile(name, null))).toEqual([expect.stringContaining(`${name}: The file is missing`)]);
  });

  it.each([
    ['rules.yaml', 'a: &x 1\nb: *x', 'rules.yaml: It has an alias'],
    ['rules.yaml', '- id: a\n  id: b', 'rules.yaml line 2: Map keys must be unique'],
    ['rules.yaml', '- [a', 'rules.yaml line 1: '],
    ['rules.yaml', '- !!js/function x', 'rules.yaml line 1: Unresolved tag'],
    ['rules.yaml', '- a\n- !!str 1', 'rules.yaml line 2: It has a tag'],
    ['rules.yaml', '- !!int "3"', 'rules.yaml line 1: It has a tag'],
    ['rules.yaml', '- ! 5', 'rules.yaml line 1: It has a tag'],
    ['rules.yaml', '- a: !!null', 'rules.yaml line 1: It has a tag'],
    ['texts.yaml', '!!map\na: 1', 'texts.yaml line 2: It has a tag'],
    ['texts.yaml', '!!str a: 1', 'texts.yaml line 1: It has a tag'],
    ['texts.yaml', 'a: !!seq [1]', 'texts.yaml line 1: It has a tag'],
    ['texts.yaml', '%YAML 1.1\n---\na: yes', 'texts.yaml line 1: It has a directive'],
    ['texts.yaml', '%YAML 1.2\n---\na: yes', 'texts.yaml line 1: It has a directive'],
    ['texts.yaml', '%TAG !e! tag:example.org,2026:\n---\na: 1', 'texts.yaml line 1: It has a directive'],
    ['texts.yaml', '%TAG !! tag:example.org,2026:\n---\na: 1', 'texts.yaml line 1: It has a directive'],
    ['texts.yaml', '%ODD 1\n---\na: 1', 'texts.yaml line 1: '],
    ['texts.yaml', '---\na: 1\n---\nb: 1\n', 'texts.yaml line 3: '],
    ['texts.yaml', '['.repeat(5_000), 'texts.yaml'],
    ['texts.yaml', 'x'.repeat(600_000), 'texts.yaml: It is larger than 512 KiB.'],
    ['policy.yaml', 'rules: []', 'policy.yaml: rules: This stands in rules.yaml alone.'],
    ['policy.yaml', '- 1', 'policy.yaml: It is a list of names and values.'],
    ['policy.yaml', '', 'policy.yaml: It is a list of names and values.'],
  ])('is refused, with the name of the file and the line: %s %#', (name, text, why) => {
    expect(refusals(withFile(name, text))).toEqual([expect.stringContaining(why)]);
  });

  it('keeps a key that a policy does not have, for the check to refuse it by name', () => {
    const folder = readPolicyFolder(withFile('texts.yaml', 'no: { en: x }\n__proto__: { en: x }'));
    expect(folder).toMatchObject({ kind: 'ok' });
    expect(folder.kind === 'ok' && Object.keys(folder.document['texts'] as object)).toEqual(['no', '__proto__']);
  });
});
