import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  digestOf,
  digestOfBytes,
  type ArtifactRef,
  type Assignment,
  type Digest,
  type PromptPolicy,
  type Release,
  type SuiteDocument,
} from '@openward/contracts';
import type { NodeStore } from '@openward/distribution';

// Releases of the demo's smallest model, as files on a disk.

const MODEL = join(import.meta.dirname, '../../../../deploy/demo/models/triage-nano-1-adapter-a.gguf');
const model: ArtifactRef = {
  manifest: digestOf('model manifest'),
  file: digestOf('model'),
  size: 121_472,
  family: 'f',
};
const mark = { before: '', after: '' };

const suite: SuiteDocument = {
  name: 'safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: [{ id: 'a', input: 'A cold.', expected: 'routine', redFlag: false }],
  gates: [{ kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 }],
  rerunItems: 40,
  minimumDistinctPersons: 11,
};

export interface Disk {
  readonly store: NodeStore;
  readonly paths: Map<Digest, string>;
}

/** Files by digest, in a folder; whatever is there is whole. */
export function diskIn(): Disk {
  const paths = new Map<Digest, string>([[model.file, MODEL]]);
  const store = {
    find: (file: Digest) => Promise.resolve(paths.get(file)),
    verify: (file: Digest) => Promise.resolve(paths.has(file)),
  } as unknown as NodeStore;
  return { store, paths };
}

/** Writes a document, and gives its reference. */
export function putDocument({ paths }: Disk, dir: string, text: string): ArtifactRef {
  const file = digestOfBytes(text);
  const path = join(dir, file.slice(7));
  writeFileSync(path, text);
  paths.set(file, path);
  return { manifest: digestOf(`manifest ${file}`), file, size: Buffer.byteLength(text), family: 'f' };
}

export const releaseWith = (policy: PromptPolicy, number = 1): Release => ({
  v: 1,
  service: {
    name: 'triage',
    purpose: 'Sorts patients.',
    users: 'Nurses',
    languages: ['en'],
    riskClass: 'high',
    fallbackText: 'Call 112.',
  },
  number,
  change: number === 1 ? 'newService' : 'policyRule',
  model: {
    name: 'triage-nano',
    version: '1',
    family: 'f',
    kind: 'base',
    template: { bos: '', system: mark, user: mark, assistant: mark, stop: [] },
    contextLength: 256,
    trainingStatement: '',
    variants: [{ variant: 'f16', artifact: model, needs: { threads: 1, memoryBytes: 1 } }],
  },
  policy,
  parameters: { temperature: 0, maxTokens: 8 },
  suite: { name: 'safety', version: 1, digest: digestOf(suite), artifact: model },
});

/** An assignment of a release whose files are on this disk. `document` stands where it is another than the release says. */
export function assignmentOf(
  disk: Disk,
  dir: string,
  release: Release,
  document = JSON.stringify(release),
): Assignment {
  const made = putDocument(disk, dir, document);
  return {
    id: `as-${release.number}`,
    service: 'triage',
    release: {
      digest: digestOf(release),
      number: release.number,
      change: release.change,
      model: release.model.name,
      modelVersion: release.model.version,
      document: made,
    },
    suite: {
      name: 'safety',
      version: 1,
      digest: digestOf(suite),
      artifact: putDocument(disk, dir, JSON.stringify(suite)),
    },
    variant: { name: 'f16', artifact: model, memoryMode: 'sideBySide' },
  } as unknown as Assignment;
}
