import { plainPolicy } from '@openward/contracts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest, ModelView, PolicyView, ReleaseView, SuiteView } from '@openward/contracts';
import { describeArtifact, type BuiltArtifact } from '@openward/distribution';
import type { Answer, Client } from './network.fixture.ts';

// What a release stands on, as a command line would push it: the demo's toy models, and a suite of their kind.

const MODELS = join(import.meta.dirname, '..', '..', '..', 'deploy', 'demo', 'models');

export const modelFile = (name: string): Promise<Buffer> => readFile(join(MODELS, name));

export const TEMPLATE = {
  bos: '<s>',
  system: { before: '<sys>', after: '' },
  user: { before: '<usr>', after: '' },
  assistant: { before: '<ans>', after: '' },
  stop: ['</s>'],
};

export interface Described extends BuiltArtifact {
  readonly pieces: ReadonlyMap<Digest, Uint8Array>;
}

export async function describe(bytes: Uint8Array, kind: 'gguf' | 'document' = 'gguf'): Promise<Described> {
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
  const pieces = new Map<Digest, Uint8Array>();
  const built = await describeArtifact(source, kind, ({ digest }, chunk) => void pieces.set(digest, chunk));
  for (const piece of [...built.lists, built.manifest]) pieces.set(piece.digest, piece.bytes);
  return { ...built, pieces };
}

export const putPiece = (client: Client, digest: string, body: Uint8Array) =>
  client.raw(`/api/v1/chunks/${digest}`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/octet-stream' },
  });

/** Uploads what is missing; how many pieces that were. */
export async function upload(client: Client, { pieces }: Described): Promise<number> {
  const asked = await client.post<{ missing: Digest[] }>('/chunks/missing', { digests: [...pieces.keys()] });
  for (const digest of asked.body.missing) {
    const bytes = pieces.get(digest);
    const { status } = await putPiece(client, digest, bytes ?? new Uint8Array());
    if (status !== 201) throw new Error(`${digest}: ${status}`);
  }
  return asked.body.missing.length;
}

export interface Push {
  readonly file: string;
  readonly name?: string;
  readonly version: string;
  readonly variant?: string;
  readonly change?: object;
}

export async function push(
  client: Client,
  { file, name = 'triage-nano', version, variant = 'f16', change = {} }: Push,
): Promise<Answer<ModelView>> {
  const described = await describe(await modelFile(file));
  await upload(client, described);
  return client.post<ModelView>(
    `/models/${name}/versions/${version}/variants`,
    registration(described, variant, change),
  );
}

export const registration = (described: Described, variant: string, change: object = {}): object => ({
  variant,
  manifest: described.layout.digest,
  kind: 'base',
  template: TEMPLATE,
  contextLength: 512,
  needs: { threads: variant === 'f16' ? 2 : 1, memoryBytes: 64 * 1024 * 1024 },
  ...change,
});

export const SERVICE = {
  name: 'triage',
  purpose: 'Sorts reports of patients by urgency',
  users: 'Nurses at the front desk',
  languages: ['en'],
  riskClass: 'high',
  fallbackText: 'Ask the nurse in charge.',
};

export const SUITE = {
  name: 'triage-suite',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: Array.from({ length: 60 }, (_, at) => ({
    id: `item-${at}`,
    input: `Patient ${at} reports chest pain.`,
    expected: 'emergency',
    redFlag: true,
  })),
  gates: [{ kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 }],
  rerunItems: 40,
  minimumDistinctPersons: 11,
};

export const release = (version: string): object => ({
  service: 'triage',
  change: version === '1' ? 'newService' : 'base',
  model: { name: 'triage-nano', version },
  policy: { id: 'plain', revision: 1 },
  parameters: { temperature: 0, maxTokens: 4 },
  suite: { name: 'triage-suite', version: 1 },
});

/** Service, suite, policy, one version in two variants, and its release. */
export async function catalogue(client: Client): Promise<ReleaseView> {
  await client.post('/services', SERVICE);
  await client.post<SuiteView>('/suites', SUITE);
  await client.post<PolicyView>('/policies', plainPolicy('Triage: emergency or routine.'));
  await push(client, { file: 'triage-nano-1.f16.gguf', version: '1' });
  await push(client, { file: 'triage-nano-1.q8_0.gguf', version: '1', variant: 'q8_0' });
  const made = await client.post<ReleaseView>('/releases', release('1'));
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body;
}
