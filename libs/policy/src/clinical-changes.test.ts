import { describe, expect, it } from 'vitest';
import { clinicalChanges, clinicalMatches } from './clinical-changes.ts';
import { NO_SITE_TERMS } from './model.ts';
import { starterPolicy } from './starter/index.ts';
import { policyOf, redact, regex, ruleOf } from './testing.ts';

const still = (): number => 0;
const changesOf = (...[rules, given]: Parameters<typeof policyOf>) =>
  clinicalChanges(policyOf(rules, given), NO_SITE_TERMS, still);

describe('what a policy makes of clinical sentences', () => {
  it('is nothing where the starter policy has them', () => {
    expect(clinicalChanges(starterPolicy(), NO_SITE_TERMS, still)).toMatchObject({
      unread: 0,
      changed: 0,
      changes: [],
    });
  });

  it('names each sentence in which a rule hides a dose, and what becomes of it', () => {
    const found = changesOf([ruleOf('numbers', regex(String.raw`\b\d{3,4} mg\b`), { action: redact })]);
    expect(found.changes[0]).toEqual({
      stage: 'output',
      language: 'en',
      sentence: 'Amoxicillin 500 mg three times daily for 7 days.',
      rules: ['numbers'],
      becomes: 'Amoxicillin […] three times daily for 7 days.',
    });
    expect(new Set(found.changes.map(({ language }) => language))).toEqual(new Set(['en', 'de']));
    expect(found.changed).toBe(found.changes.length);
  });

  it('has read none where to make the policy ready took all the time', () => {
    let looks = 0;
    const stoodStill = (): number => (looks++ === 0 ? 0 : 10_000);
    const rules = [ruleOf('numbers', regex(String.raw`\b\d{3,4} mg\b`), { action: redact })];
    expect(clinicalChanges(policyOf(rules), NO_SITE_TERMS, stoodStill, 5_000)).toMatchObject({ read: 0, changes: [] });
  });

  it('asks rules of questions too, and counts a sentence once', () => {
    const blocks = { action: { does: 'block', text: 'refusal' } } as const;
    const replaces = { action: { does: 'replace', replacement: 'pills' } } as const;
    const found = changesOf([
      ruleOf('in', regex('amoxicillin'), { stage: 'input', ...blocks }),
      ruleOf('out', regex('amoxicillin'), replaces),
    ]);
    expect(found.changes.slice(0, 2)).toMatchObject([
      { stage: 'input', rules: ['in'], becomes: null },
      { stage: 'output', rules: ['out'], becomes: 'pills 500 mg three times daily for 7 days.' },
    ]);
    expect(found.changed * 2).toBe(found.changes.length);
  });

  it('leaves out what changes nothing: shadow, notes, escalations', () => {
    const found = changesOf([
      ruleOf('shadow', regex('mg'), { mode: 'shadow' }),
      ruleOf('note', regex('mg'), { action: { does: 'annotate' } }),
      ruleOf('flag', regex('mg'), { stage: 'input', action: { does: 'escalate', text: 'emergency' } }),
    ]);
    expect(found).toMatchObject({ changed: 0, changes: [] });
  });

  it('goes by the form of record numbers that a site gave', () => {
    const policy = policyOf([ruleOf('records', { kind: 'identifier', identifier: 'recordNumber' })]);
    const terms = { recordNumber: String.raw`\d{3}`, variables: {} };
    expect(clinicalChanges(policy, NO_SITE_TERMS, still).changed).toBe(0);
    expect(clinicalChanges(policy, terms, still).changed).toBeGreaterThan(50);
  });

  it('reads all languages where the corpus has none of the policy’s', () => {
    const [own, all] = [['de'], ['rw']].map((languages) => changesOf([], { languages }));
    expect(all?.read).toBeGreaterThanOrEqual(400);
    expect(own?.read).toBeLessThan(100);
  });

  it('says how many it had no time for', () => {
    let ms = 0;
    const found = clinicalChanges(policyOf([ruleOf('numbers', regex('mg'))]), NO_SITE_TERMS, () => (ms += 1), 100);
    expect(found.unread).toBeGreaterThan(0);
    expect(found.read).toBeGreaterThan(0);
  });
});

describe('what a form of record numbers takes', () => {
  it('is shown by the clinical sentences that have it', () => {
    expect(clinicalMatches(String.raw`\d{3} mg`)[0]).toEqual({
      language: 'en',
      sentence: 'Amoxicillin 500 mg three times daily for 7 days.',
      found: '500 mg',
    });
    expect(clinicalMatches('MRN-\\d{6}')).toEqual([]);
    expect(clinicalMatches('(')).toEqual([]);
  });
});
