import { digestOf, plainPolicy, type ArtifactRef, type Release } from '@openward/contracts';
import { expect, it } from 'vitest';
import { diffReleases } from './diff-release.ts';

const fileOf = (name: string): ArtifactRef => ({
  manifest: digestOf(`manifest ${name}`),
  file: digestOf(name),
  size: 1,
  family: 'nano',
});
const variantOf = (variant: string) => ({
  variant,
  artifact: fileOf(variant),
  needs: { threads: 1, memoryBytes: 1 },
});
const mark = { before: '', after: '' };
const release: Release = {
  v: 1,
  service: {
    name: 'triage',
    purpose: 'Sorts.',
    users: 'Nurses',
    languages: ['en'],
    riskClass: 'high',
    fallbackText: 'Call 112.',
  },
  number: 1,
  change: 'newService',
  model: {
    name: 'nano',
    version: '1',
    family: 'nano',
    kind: 'base',
    template: { bos: '', system: mark, user: mark, assistant: mark, stop: [] },
    contextLength: 256,
    trainingStatement: '',
    variants: [variantOf('f16'), variantOf('q4')],
  },
  policy: plainPolicy('Be brief.'),
  parameters: { temperature: 0, maxTokens: 8 },
  suite: { name: 'safety', version: 1, digest: digestOf('suite'), artifact: fileOf('suite') },
};
const runs = { variant: 'f16', artifact: 'sha256:f16', base: null };
const fieldsTo = (given: Partial<Release>, here = runs) =>
  diffReleases({ release, runs }, { release: { ...release, number: 2, change: 'base', ...given }, runs: here });

it('two releases that differ in nothing but number, class and policy have no other difference', () => {
  expect(fieldsTo({ policy: plainPolicy('Be long.') })).toEqual([]);
});

it.each<[string, Partial<Release>, string[]]>([
  ['a parameter that was not there', { parameters: { temperature: 0, topP: 0.5, maxTokens: 8 } }, ['parameters.topP']],
  ['the fallback text', { service: { ...release.service, fallbackText: 'Wait.' } }, ['service.fallbackText']],
  ['the suite', { suite: { ...release.suite, version: 2 } }, ['suite.version']],
  [
    'a variant, by its name',
    { model: { ...release.model, variants: [variantOf('f16'), { ...variantOf('q4'), artifact: fileOf('other') }] } },
    ['model.variants.q4.artifact.manifest', 'model.variants.q4.artifact.file'],
  ],
  [
    'the order of variants, of which a node is given the first that it can run',
    { model: { ...release.model, variants: release.model.variants.toReversed() } },
    ['model.variantOrder'],
  ],
])('%s is named', (_what, given, fields) => {
  expect(fieldsTo(given).map(({ field }) => field)).toEqual(fields);
});

it('the same release with another file at this node differs here', () => {
  expect(fieldsTo({}, { variant: 'q4', artifact: 'sha256:q4', base: null })).toEqual([
    { field: 'here.variant', from: '"f16"', to: '"q4"' },
    { field: 'here.artifact', from: '"sha256:f16"', to: '"sha256:q4"' },
  ]);
});
