import { plainPolicy, type ChangeClass, type ModelVersion, type Release } from '@openward/contracts';
import { aDigest, anArtifact, aRelease } from '@openward/rollout/testing';
import { describe, expect, it } from 'vitest';
import { changeAtNode, classOfChange, type Files, type Serving } from './class-of-change.ts';
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

describe('what a change is at a node goes by the files that it runs (N2)', () => {
  const [, q8] = newest.model.variants;
  const files = (artifact: string, base?: string): Files => ({
    artifact: anArtifact(artifact),
    ...(base === undefined ? {} : { base: anArtifact(base) }),
  });
  const added = { variant: 'q4_0', ...files('any weights'), needs: { threads: 1, memoryBytes: 1 } };
  const text = policy({ systemPrompt: 'q' });
  const rule = policy({ controlCharacters: 'strip' });
  const withAdded = model({ variants: [...newest.model.variants, added] });
  const lora = onBase('triage-nano');
  const at = (over: Partial<Release>, next: Files | undefined, runs: Files | undefined = f16) => {
    if (next === undefined || runs === undefined) throw new Error('a release of two variants was expected');
    const serving: Serving = { variants: newest.model.variants, runs };
    return changeAtNode(classOfChange(newest, { ...newest, ...over }), serving, next);
  };
  const loraOn = (it: Files | undefined): Files => ({ artifact: anArtifact('lora'), base: it?.artifact });

  it.for([
    ['policyText', 'another text for the files that run', text, f16],
    ['base', 'another text, and a variant that the release that serves binds too', text, q8],
    ['base', 'another text, and weights that nothing here has bound', text, added],
    ['policyRule', 'another rule for the files that run', rule, f16],
    ['base', 'another rule, and another variant', rule, q8],
    ['quantisation', 'a new variant that this node does not get', withAdded, f16],
    ['quantisation', 'the other variant of both releases', withAdded, q8],
    ['base', 'a variant that a push has added to the version since', withAdded, added],
    ['adapter', 'an adapter on the base that runs', lora, loraOn(f16)],
    ['base', 'an adapter on a variant of the base that does not run here', lora, loraOn(q8)],
    ['quantisation', 'nothing but the other variant', {}, q8],
    ['adapter', 'nothing at all, and is what the newest was', {}, f16],
    ['base', 'another version', model({ version: '2' }), q8],
    ['base', 'another suite', suite, f16],
  ] as const)('it is %s for %s', ([is, , over, next]) => {
    expect(at(over, next).is).toBe(is);
  });
  it('is adapter for another adapter on the base that runs with one, and on no other variant of it', () => {
    const before = { ...newest, ...lora };
    const change = classOfChange(before, { ...before, ...onBase('triage-nano', { version: '2' }) });
    const serving: Serving = { variants: before.model.variants, runs: loraOn(f16) };
    const on = (base: Files | undefined) =>
      changeAtNode(change, serving, { ...loraOn(base), artifact: anArtifact('other lora') }).is;
    expect([on(f16), on(q8)]).toEqual(['adapter', 'base']);
  });
  it('names the variant among what differs', () => {
    expect(at(text, q8).differs).toEqual(['policy', 'variant']);
    expect(at(text, f16).differs).toEqual(['policy']);
  });
});
