import { plainPolicy, type ChangeClass, type ModelVersion, type Release } from '@openward/contracts';
import { aDigest, anArtifact, aRelease } from '@openward/rollout/testing';
import { describe, expect, it } from 'vitest';
import { classOfChange } from './class-of-change.ts';
import { policyOf, ruleOf } from './testing.ts';

const newest: Release = { ...aRelease(1), policy: plainPolicy('p'), change: 'adapter' };
const [f16] = newest.model.variants;
const model = (over: Partial<ModelVersion>): Pick<Release, 'model'> => ({ model: { ...newest.model, ...over } });
const onBase = (base: string, over: Partial<ModelVersion> = {}): Pick<Release, 'model'> =>
  model({
    name: 'lora',
    version: '1',
    kind: 'adapter',
    base: { name: base, version: '1' },
    variants: newest.model.variants.map((it) => ({ ...it, artifact: anArtifact('lora'), base: it.artifact })),
    ...over,
  });
const otherFiles = newest.model.variants.map((it) => ({ ...it, artifact: anArtifact('other weights') }));
const escalating = (text: string): Pick<Release, 'policy'> => ({
  policy: policyOf([ruleOf('pain', { kind: 'length', most: 9 }, { action: { does: 'escalate', text: 'emergency' } })], {
    texts: { emergency: { en: text } },
  }),
});
const policy = (over: Partial<Release['policy']>): Pick<Release, 'policy'> => ({
  policy: { ...newest.policy, revision: 2, ...over },
});
const suite = { suite: { ...newest.suite, version: 2, digest: aDigest('another suite') } };

const CASES: Record<ChangeClass, readonly (readonly [string, Partial<Release>])[]> = {
  newService: [],
  policyText: [
    ['another system prompt', policy({ systemPrompt: 'q' })],
    ['another revision of the same words', policy({})],
  ],
  policyRule: [
    ['another treatment of control characters', policy({ controlCharacters: 'strip' })],
    ['another policy of the same words', policy({ id: 'other' })],
  ],
  quantisation: [['one variant less', model({ variants: f16 === undefined ? [] : [f16] })]],
  adapter: [['an adapter on the version that served', onBase('triage-nano')]],
  base: [
    ['another version', model({ version: '2' })],
    ['the same variants under another template', model({ contextLength: 512 })],
    ['an adapter on another base', onBase('other')],
    ['other weights under the same names', model({ variants: otherFiles })],
    [
      'an adapter on other weights that have the base’s name',
      onBase('triage-nano', { variants: otherFiles.map((it) => ({ ...it, base: it.artifact })) }),
    ],
    ['an adapter that is asked in another way', onBase('triage-nano', { contextLength: 512 })],
    ['another policy and another version', { ...model({ version: '2' }), ...policy({ systemPrompt: 'q' }) }],
    ['another text and another suite', { ...policy({ systemPrompt: 'q' }), ...suite }],
    ['an adapter and another rule', { ...onBase('triage-nano'), ...policy({ controlCharacters: 'strip' }) }],
    ['another suite', suite],
    ['other parameters', { parameters: { temperature: 1, maxTokens: 2 } }],
    ['a suite that is stored elsewhere', { suite: { ...newest.suite, artifact: anArtifact('elsewhere') } }],
  ],
};

describe('the class of a change, which the sites’ standing rules go by (N2)', () => {
  it('is a new service where no release is left of it', () => {
    expect(classOfChange(null, newest).is).toBe('newService');
  });
  for (const [is, cases] of Object.entries(CASES))
    for (const [what, over] of cases)
      it(`is ${is} for ${what}`, () => {
        expect(classOfChange(newest, { ...newest, ...over }).is).toBe(is);
      });
  it('of what binds the same again is what the newest was, and never less', () => {
    expect(classOfChange(newest, newest)).toEqual({ is: 'adapter', differs: [] });
  });
  it('of an adapter that is left for its base is base', () => {
    expect(classOfChange({ ...newest, ...onBase('triage-nano') }, newest).is).toBe('base');
  });
  it('is policyRule for an emergency text that says something else: no gate grades it', () => {
    const before = { ...newest, ...escalating('Call 112 now.') };
    expect(classOfChange(before, { ...before, ...escalating('All is well.') }).is).toBe('policyRule');
  });
  it('names what differs', () => {
    const next = { ...newest, ...policy({ systemPrompt: 'q' }), ...suite };
    expect(classOfChange(newest, next).differs).toEqual(['policy', 'suite']);
  });
});
