import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestOf, plainPolicy, type PolicyRule, type Release } from '@openward/contracts';
import type { Held } from '@openward/activation';
import { policyOf } from '@openward/policy/testing';
import type { ModelFile } from '@openward/runtime';
import { SERVICE, SYSTEM } from './exchange.ts';

// Releases of the demo's models, as a node holds them.

export const MODELS = join(import.meta.dirname, '../../../deploy/demo/models');

export function demoModel(version: number): ModelFile {
  const path = join(MODELS, `triage-nano-${version}.f16.gguf`);
  return { path, digest: `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}` };
}

const artifactOf = (version: number) => {
  const { digest } = demoModel(version);
  return { manifest: digestOf(`manifest ${version}`), file: digest as Digest, size: 1, family: 'triage-nano' };
};

export const releaseOf = (number: number, rules: readonly PolicyRule[] = []): Release => ({
  v: 1,
  service: {
    name: SERVICE,
    purpose: 'Tells an emergency from what can wait. A toy.',
    users: 'Nurses at the desk',
    languages: ['en'],
    riskClass: 'high',
    fallbackText: 'In an emergency call 112.',
  },
  number,
  change: 'base',
  model: {
    name: 'triage-nano',
    version: String(number),
    family: 'triage-nano',
    kind: 'base',
    template: {
      bos: '<s>',
      system: { before: '<sys>', after: '' },
      user: { before: '<usr>', after: '' },
      assistant: { before: '<ans>', after: '' },
      stop: ['</s>'],
    },
    contextLength: 256,
    trainingStatement: '',
    variants: [{ variant: 'f16', artifact: artifactOf(number), needs: { threads: 1, memoryBytes: 1 } }],
  },
  policy: rules.length === 0 ? plainPolicy(SYSTEM) : policyOf(rules, { systemPrompt: SYSTEM }),
  parameters: { temperature: 0, maxTokens: 8 },
  suite: { name: 'bench', version: 1, digest: digestOf('suite'), artifact: artifactOf(number) },
});

export const heldOf = (number: number): Held => ({
  key: `release-${number}`,
  release: digestOf(releaseOf(number)),
  number,
  variant: 'f16',
  document: artifactOf(number),
  artifact: artifactOf(number),
  chain: null,
});
