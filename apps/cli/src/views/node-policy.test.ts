import { plainPolicy, type PolicyRule } from '@openward/contracts';
import { NodeOfferRead, type NodePolicySettings } from '@openward/client';
import { describePolicy, diffPolicies, visible } from '@openward/policy';
import { expect, it } from 'vitest';
import { plain } from '../terminal.ts';
import { hitsText, offerReadText, settingsText, shadowsText } from './node-policy.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const rule: PolicyRule = {
  id: 'doses',
  description: 'Doses of opioids.',
  stage: 'output',
  match: { kind: 'regex', pattern: 'fentanyl [0-9]{1,4}', ignoreCase: true },
  action: { does: 'annotate' },
  mode: 'enforce',
  timeLimitMs: 50,
};
const now = plainPolicy('Be brief.', { id: 'ward' });
const next = { ...now, revision: 2, rules: [rule] };

const read = NodeOfferRead.parse({
  offer: {
    service: 'triage',
    assignment: 'as-1',
    release: digest,
    number: 4,
    change: 'policyRule',
    model: 'nano 1',
    variant: 'f16',
    bytes: 1000,
    suite: { digest, readsSiteData: false, accepted: false },
    step: 'awaitingPreparation',
    question: 'prepare',
    waitsFor: 'consentToPrepare',
    deferredUntil: null,
    gate: null,
    result: null,
  },
  release: {
    service: {
      name: 'triage',
      purpose: 'Sorts\u001B[2J patients.',
      users: 'Nurses',
      languages: ['en'],
      riskClass: 'high',
      fallbackText: 'Call 112.',
    },
    number: 4,
    model: { name: 'nano', version: '1', contextLength: 256 },
    parameters: { temperature: 0, topP: 0.9, seed: 7, maxTokens: 8 },
    suite: { name: 'safety', version: 1 },
    policy: { id: 'ward', revision: 2 },
  },
  policy: describePolicy(next, null),
  refused: null,
  clinical: {
    read: 90,
    unread: 0,
    changed: 1,
    changes: [{ stage: 'output', language: 'en', sentence: 'Take 5 mg.', rules: ['doses'], becomes: 'Take […].' }],
  },
  serving: { number: 3, diff: diffPolicies(now, next) },
  fetched: true,
});

it('an offer is read with every pattern as it is, with what changes, and no text of it can act on the terminal', () => {
  const text = offerReadText(read, plain, visible);
  expect(text).toContain('fentanyl [0-9]{1,4}');
  expect(text).toContain('What changes against release 3, which serves now');
  expect(text).toContain('rule doses: added');
  expect(text).toContain('warning: 1 of 90 clinical sentences would not pass as they are.');
  expect(text).toContain('  doses: reply (en): “Take 5 mg.” becomes “Take […].”');
  expect(text).toContain('may it be fetched and evaluated?');
  expect(text).not.toContain('\u001B');
  expect(offerReadText({ ...read, serving: null }, plain, visible)).toContain('Nothing serves now');
});

it('N2 an offer shows what differs beside its policy before the policy, and every parameter', () => {
  const change = (fields: NonNullable<NodeOfferRead['serving']>['fields']) =>
    offerReadText(
      NodeOfferRead.parse({ ...read, serving: { number: 3, diff: diffPolicies(now, now), fields } }),
      plain,
      visible,
    );
  const text = change([
    { field: 'service.fallbackText', from: '"Call 112."', to: JSON.stringify('Wait\u001B[2J.') },
    { field: 'parameters.temperature', from: '0', to: '1.9' },
  ]);
  expect(text).toContain('- parameters.temperature: 0\n  + parameters.temperature: 1.9\n');
  expect(text).toContain('- service.fallbackText: Call 112.\n  + service.fallbackText: Wait');
  expect(text).not.toContain('\u001B');
  expect(text.indexOf('parameters.temperature')).toBeLessThan(text.indexOf('no difference but the revision'));
  expect(text).toContain('temperature 0, top-p 0.9, seed 7, at most 8 tokens');
  expect(change([])).toContain('Nothing differs beside the policy.');
  expect(change(null)).toContain('This agent does not say what differs beside the policy.');
});

it('N2 an offer whose policy would be refused here says so before anything else of it, with where and why', () => {
  const findings = [{ code: 'variableUnknown', where: 'systemPrompt', message: 'There is no variable nobody.' }];
  const text = offerReadText({ ...read, refused: { code: 'policyInvalid', findings } }, plain, visible);
  expect(text).toContain('This node would refuse its policy');
  expect(text.indexOf('systemPrompt: There is no variable nobody.')).toBeLessThan(text.indexOf('risk class'));
  expect(offerReadText(read, plain, visible)).not.toContain('would refuse');
});

const settings: NodePolicySettings = {
  recordNumber: null,
  onExpiry: 'fallback',
  variables: { emergencyNumber: '0800 999' },
  ownValues: [
    {
      name: 'emergencyNumber',
      value: '0800 999',
      isUsable: true,
      usedBy: [{ service: 'triage', number: 4 }],
      offeredTo: [],
      notToldBy: [{ service: 'triage', fallbackText: 'Call 112.\u001B[2J' }],
    },
    {
      name: 'ward',
      value: 'W4',
      isUsable: true,
      usedBy: [],
      offeredTo: [{ service: 'triage', number: 5 }],
      notToldBy: [],
    },
    { name: 'older', value: '', isUsable: false, usedBy: [], offeredTo: [], notToldBy: [] },
  ],
  policies: [
    {
      service: 'triage',
      number: 4,
      serves: true,
      policy: { id: 'ward', revision: 2 },
      expires: '2026-07-01T00:00:00Z',
      expiry: { state: 'soon', days: 3 },
      needsRecordNumber: true,
      variables: [
        {
          name: 'emergencyNumber',
          description: 'To\u001B[2J call.',
          default: '112',
          setBySite: true,
          value: '0800 999',
        },
        { name: 'maker', description: 'Who made it.', default: 'x', setBySite: false, value: 'x' },
      ],
    },
  ],
  unread: [{ service: 'summary', number: 7 }],
  refusals: [
    {
      service: 'triage',
      release: digest,
      number: 5,
      findings: [{ code: 'testFailed', where: 'tests[0]', message: 'doses, “5 mg” (en): text' }],
      at: 1,
    },
  ],
  troubles: [],
};

it('the site’s terms are shown with what it set, what it could, and which rule and test refused a policy', () => {
  const text = settingsText(settings, visible);
  expect(text).toMatch(/record numbers +no pattern/);
  expect(text).toMatch(/triage +4 +emergencyNumber +0800 999 +site/);
  expect(text).not.toContain('maker');
  expect(text).not.toContain('\u001B');
  expect(text).toContain('2026-07-01 (soon)');
  expect(text).toMatch(/triage does not tell emergencyNumber in its fallback text.*“Call 112\./);
  expect(text).toMatch(/ward: “W4” is stored, and no policy here uses it yet; triage release 5, which waits, would\./);
  expect(text).toMatch(/older: what is stored is empty.*--default/);
  expect(text).toContain('summary release 7 cannot be read');
  expect(text).toContain('tests[0]: doses, “5 mg” (en): text');
});

it('a shadow is shown with who let it run and how it ended, and hits with what they are a share of', () => {
  const shadow = {
    service: 'triage',
    release: digest,
    number: 4,
    policy: { id: 'ward', revision: 2 },
    by: 'Dr Osei',
    startedAt: 0,
    until: 86_400_000,
    ended: null,
  };
  expect(shadowsText([shadow])).toMatch(/ward@2 +runs +1970-01-02T00:00:00.000Z +Dr Osei/);
  expect(shadowsText([{ ...shadow, ended: { at: 1, why: 'activated' } }])).toContain('ended: its release serves');
  expect(shadowsText([])).toContain('nothing ever has');
  const hit = {
    service: 'triage',
    policy: 'ward',
    revision: 2,
    stage: 'input',
    mode: 'next',
    day: '2026-06-01',
  } as const;
  const text = hitsText([
    { ...hit, rule: null, action: 'judged', count: 9 },
    { ...hit, rule: 'doses', action: 'annotate', count: 2 },
  ]);
  expect(text).toMatch(/next, in shadow +\(all\) +input +judged +9/);
  expect(text).toMatch(/doses +input +annotate +2/);
});
