import {
  type ArtifactRef,
  canonicalJson,
  type Digest,
  digestOf,
  digestOfBytes,
  Release,
  SuiteDocument,
} from '@openward/contracts';
import { buildManifest, type PlacedChunk, refOf } from '@openward/distribution';
import type { SiteRecord } from '@openward/evaluation';
import { aRelease } from '@openward/rollout/testing';

// What the network distributes in the story, and what its models know: the shares of right answers, by kind of emergency,
// to which each release's training is held. Every verdict follows from counting answers drawn by these.

export type SiteName = 'referral' | 'district' | 'primary';
export const SITES: readonly SiteName[] = ['referral', 'district', 'primary'];
type Kind = 'k1' | 'k8' | 'x' | 'routine';

const SHARE_RIGHT: readonly Readonly<Record<Kind, number>>[] = [
  { k1: 0.99, k8: 0.5, x: 0.99, routine: 0.97 },
  { k1: 0.995, k8: 0.995, x: 0.995, routine: 0.97 },
  { k1: 0.4, k8: 0.4, x: 0.4, routine: 0.97 },
  { k1: 0.995, k8: 0.995, x: 0.1, routine: 0.97 },
];
const MIX: Readonly<Record<SiteName | 'bundled', Readonly<Record<Kind, number>>>> = {
  bundled: { k1: 105, k8: 15, x: 0, routine: 40 },
  referral: { k1: 107, k8: 12, x: 1, routine: 0 },
  district: { k1: 68, k8: 12, x: 40, routine: 0 },
  primary: { k1: 96, k8: 12, x: 12, routine: 0 },
};

const textsOf = (set: SiteName | 'bundled'): string[] =>
  (Object.keys(MIX[set]) as Kind[]).flatMap((kind) =>
    Array.from({ length: MIX[set][kind] }, (_, i) => `${kind} ${set} ${i}`),
  );
const expectedOf = (text: string): 'emergency' | 'routine' => (text.startsWith('routine') ? 'routine' : 'emergency');

export const recordsOf = (site: SiteName): readonly SiteRecord[] =>
  textsOf(site).map((text, i) => ({
    id: `record-${i}`,
    person: `person-${i}`,
    text,
    label: expectedOf(text),
    redFlag: expectedOf(text) === 'emergency',
  }));

/** What a release says to an item: one draw for each seed, release and item, so the same however often it is asked. */
export function answerOf(seed: number, release: number, text: string): string {
  const share = SHARE_RIGHT[release - 1]![text.split(' ')[0] as Kind];
  const expected = expectedOf(text);
  if (drawOf(`${seed} ${release} ${text}`) < share) return expected;
  return expected === 'emergency' ? 'routine' : 'emergency';
}

/** FNV-1a with a last stir, in [0, 1). */
function drawOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Every piece that the artifact store holds, by digest. Small chunks: what matters here is how many, and that they are cut. */
export const PIECES = new Map<Digest, Uint8Array>();
const CHUNK = 300;
export const FAMILY = 'triage-nano';

function store(kind: 'gguf' | 'document', bytes: Uint8Array): ArtifactRef {
  const chunks: PlacedChunk[] = [];
  for (let offset = 0; offset < bytes.length; offset += kind === 'gguf' ? CHUNK : 8192) {
    const part = bytes.subarray(offset, offset + (kind === 'gguf' ? CHUNK : 8192));
    chunks.push({ digest: digestOfBytes(part), size: part.length, offset });
    PIECES.set(digestOfBytes(part), part);
  }
  const { layout, manifest, lists } = buildManifest(kind, digestOfBytes(bytes), chunks);
  for (const piece of [manifest, ...lists]) PIECES.set(piece.digest, piece.bytes);
  return refOf(layout, FAMILY);
}

export const SUITE: SuiteDocument = SuiteDocument.parse({
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: textsOf('bundled').map((input, i) => ({
    id: `item-${i}`,
    input,
    expected: expectedOf(input),
    redFlag: expectedOf(input) === 'emergency',
  })),
  contract: {
    textColumn: 'text',
    labelColumn: 'label',
    personColumn: 'person',
    labellerColumns: ['labeller1', 'labeller2'],
    redFlagLabel: 'emergency',
    labels: ['emergency', 'routine'],
  },
  gates: [
    { kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 },
    { kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 },
    { kind: 'nonInferiority', set: 'bundled', metric: 'correct', margin: 0.1 },
  ],
  rerunItems: 40,
  minimumDistinctPersons: 11,
});
const SUITE_REF = {
  name: SUITE.name,
  version: SUITE.version,
  digest: digestOf(SUITE),
  artifact: store('document', Buffer.from(canonicalJson(SUITE))),
};

export interface Published {
  readonly document: Release;
  readonly digest: Digest;
  readonly artifact: ArtifactRef;
}

/** Half of a file's chunks are those of the release before it, as in a fine-tune of some of its tensors. */
function weights(number: number, variant: string, chunks: number): ArtifactRef {
  const parts = Array.from({ length: chunks }, (_, i) => {
    const text = `${variant} ${i % 2 === 0 ? 1 : number} ${i} `;
    return Buffer.alloc(CHUNK, text);
  });
  return store('gguf', new Uint8Array(Buffer.concat(parts)));
}

function publish(number: number): Published {
  const variants = [
    { variant: 'f16', artifact: weights(number, 'f16', 14), needs: { threads: 2, memoryBytes: 2 ** 20 } },
    { variant: 'q8_0', artifact: weights(number, 'q8_0', 8), needs: { threads: 1, memoryBytes: 2 ** 20 } },
  ];
  const document = Release.parse({ ...aRelease(number, variants), suite: SUITE_REF });
  return { document, digest: digestOf(document), artifact: store('document', Buffer.from(canonicalJson(document))) };
}

export const RELEASES: readonly Published[] = [1, 2, 3, 4].map(publish);
export const releaseOf = (number: number): Published => RELEASES[number - 1]!;
export const numberOf = (digest: Digest | null | undefined): number =>
  RELEASES.findIndex((release) => release.digest === digest) + 1;

const parsed = new Map<Digest, unknown>();
/** Parses a document once for all seeds; its bytes are those of the digest. */
export function parseOnce<T>(file: Digest, bytes: Uint8Array, schema: { parse(value: unknown): T }): T {
  if (!parsed.has(file)) parsed.set(file, schema.parse(JSON.parse(Buffer.from(bytes).toString())));
  return parsed.get(file) as T;
}
