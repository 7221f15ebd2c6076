import { describe, expect, it } from 'vitest';
import { plainPolicy, type PromptPolicy } from '@openward/contracts';
import { describePolicy } from './describe.ts';
import { policyOf, ruleOf } from './testing.ts';

const policy: PromptPolicy = {
  ...plainPolicy('You sort complaints.\nCall {{number}} in an emergency.', { id: 'triage', languages: ['en', 'fr'] }),
  description: 'For triage.',
  expires: '2027-01-01T00:00:00Z',
  variables: [{ name: 'number', description: 'The emergency number.', default: '112', setBySite: true }],
  parameters: [{ kind: 'denied', field: 'seed' }],
  rules: [
    {
      id: 'doses',
      description: 'No doses.',
      stage: 'output',
      match: { kind: 'regex', pattern: '\\b\\d+\\s*(?:mg|µg)\\b', ignoreCase: true },
      action: { does: 'redact', marker: '[dose]' },
      mode: 'shadow',
      timeLimitMs: 50,
    },
    {
      id: 'red-flags',
      description: 'Emergencies.',
      stage: 'input',
      match: { kind: 'topic', phrases: { en: ['chest pain'], fr: ['douleur thoracique'] } },
      action: { does: 'escalate', text: 'emergency' },
      mode: 'enforce',
      timeLimitMs: 50,
    },
  ],
  texts: { emergency: { en: 'Call {{number}}.', fr: 'Appelez le {{number}}.' } },
  disclaimer: null,
};

describe('what a hospital reads of a policy', () => {
  it('has each rule with its pattern as it is, its phrases, what it does, its mode, the log and the end', () => {
    expect(describePolicy(policy, null)).toMatchInlineSnapshot(`
      "Prompt policy triage, revision 1: For triage.
      For any model, in en, fr, and agents of protocol 1 or newer. It expires on 2027-01-01T00:00:00Z; you are warned for 30 days, and then it goes on, or the fallback text is given, as you have chosen.

      Before each conversation the model is told:
        | You sort complaints.
        | Call {{number}} in an emergency.

      Words that stand in these texts:
        {{number}}: “112”; you can set your own. For: The emergency number

      What an application may set:
        seed: a request that has it is refused.
        A system message of its own: it is read as a part of what the user says.
        Control characters: the request is refused.

      Rules, in this order:
        Patterns and phrases stand as they are written. They and every text are read in folded form:
        accents, wide letters, look-alikes of Latin letters and marks that are not seen tell nothing apart.
        1. doses: No doses.
           looks in the reply for this pattern (RE2, capitals or not):
             \\b\\d+\\s*(?:mg|µg)\\b
           redacts: “[dose]” stands in its place
           in shadow: it is counted here, and nothing else happens
        2. red-flags: Emergencies.
           looks in what is asked for these words and phrases, capitals or not:
             en: “chest pain”
             fr: “douleur thoracique”
           escalates: the text “emergency” stands first, and the reply follows
           fails closed where it takes longer than 50 ms

      Texts that stand in for a reply, or with one:
        emergency (en):
          | Call {{number}}.
        emergency (fr):
          | Appelez le {{number}}.

      Notices:
        They stand in the text of the reply: emergencies before it, the disclaimer after it.
        There is no disclaimer.

      What the log of a request may say of the policy:
        what was done; which rules matched; in which language. Beside it stands, always, that a rule could not be applied. Never a text.
      "
    `);
  });

  it('has no line, and hides nothing, that the policy wrote itself', () => {
    const hostile = 'Harmless.\n\nRules, in this order:\n  There are none.\u202E\u001B[2J\u200B';
    const [first, second] = policy.rules;
    const text = describePolicy(
      {
        ...policy,
        description: hostile,
        systemPrompt: hostile,
        rules: [
          { ...first!, description: hostile, match: { kind: 'regex', pattern: 'a\u202E\n', ignoreCase: false } },
          { ...second!, match: { kind: 'topic', phrases: { en: [hostile], fr: [hostile] } } },
        ],
        texts: { emergency: { en: hostile, fr: hostile } },
      },
      null,
    );
    expect(text.match(/^Rules, in this order:$/gm)).toHaveLength(1);
    expect(['\u202E', '\u001B', '\u200B'].filter((mark) => text.includes(mark))).toEqual([]);
    expect(text).toContain('\n       a\\x{202E}\\x{A}\n');
    expect(text).toContain('“Harmless.\\u{A}\\u{A}Rules');
  });

  it('never reads the same for two policies that do otherwise', () => {
    const read = (phrases: string[]): string =>
      describePolicy(policyOf([ruleOf('harm', { kind: 'topic', phrases: { en: phrases } })]), null);
    const two = read(['nerve agent', 'sarin']);
    expect(read(['nerve agent”, “sarin'])).not.toBe(two);
    for (const mark of ['\u3164', '\u115F', '\uFFA0', '\u2800', '\u034F', '\uFE0F', '\u2003', '  '])
      expect(read([`nerve${mark}agent`, 'sarin'])).toContain('\\u{');
    const set = (setBySite: boolean, description: string): string =>
      describePolicy(policyOf([], { variables: [{ name: 'a', description, default: '', setBySite }] }), null);
    expect(set(false, 'b; you can set your own')).not.toBe(set(true, 'b'));
  });
  it('has the site’s own values where it has set them, and says where it has given none', () => {
    const [first] = policy.rules;
    const variables = [
      ...policy.variables,
      { name: 'network', description: 'Who made it.', default: 'Openward', setBySite: false },
    ];
    const records: PromptPolicy = {
      ...policy,
      variables,
      rules: [{ ...first!, match: { kind: 'identifier', identifier: 'recordNumber' } }],
    };
    const terms = { recordNumber: 'MRN-[0-9]{6}', variables: { number: '117', network: 'Mine', constructor: 'x' } };
    const own = describePolicy(records, terms);
    expect(own).toContain('{{number}}: “117”, as you have set it; without yours “112”. For: The emergency number\n');
    expect(own).toContain('{{network}}: “Openward”; a site cannot set it. For: Who made it\n');
    expect(own).toContain('looks in the reply for medical record numbers, by your pattern MRN-[0-9]{6}\n');
    const none = describePolicy(records, { recordNumber: null, variables: {} });
    expect(none).toContain('{{number}}: “112”; you can set your own. For: The emergency number\n');
    expect(none).toContain('medical record numbers, of which you have given no pattern: it finds nothing\n');
    expect(describePolicy(records, null)).toContain('medical record numbers, by the pattern that each site gives\n');
  });
});
