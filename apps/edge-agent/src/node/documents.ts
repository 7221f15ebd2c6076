import { readFile } from 'node:fs/promises';
import { Unrecoverable } from '@openward/activation';
import { digestOf, Release, SuiteDocument, type ArtifactRef, type Assignment, type Digest } from '@openward/contracts';
import type { NodeStore } from '@openward/distribution';
import type { z } from 'zod';

// Releases and suites are documents that came as artifacts; what they say counts only after their digest was seen to hold.

/** A release with the largest policy is a quarter of this. What is longer is read by nobody, and not parsed. */
export const MAX_RELEASE_BYTES = 1024 * 1024;

type DocumentCode = 'documentInvalid' | 'suiteInvalid' | 'policyInvalid';

async function readDocument<S extends z.ZodType>(
  store: NodeStore,
  artifact: ArtifactRef,
  digest: Digest,
  schema: S,
  codeOf: (issues: readonly z.core.$ZodIssue[]) => DocumentCode,
): Promise<z.output<S>> {
  const path = await store.find(artifact.file);
  if (path === undefined) throw new Error(`the document ${artifact.file} is not on this disk`);
  const parsed = schema.safeParse(parse(await readFile(path, 'utf8')));
  if (!parsed.success)
    throw new Unrecoverable(
      codeOf(parsed.error.issues),
      `the document ${digest} has not the form that this agent knows`,
      { cause: parsed.error },
    );
  if (digestIn(parsed.data) !== digest) throw new Unrecoverable('digestMismatch', `the document is not ${digest}`);
  return parsed.data;
}

/** Null where the document is nested deeper than anybody can walk: then it is not what its digest names. */
function digestIn(document: unknown): Digest | null {
  try {
    return digestOf(document);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export class Documents {
  readonly #store: NodeStore;
  readonly #releases = new Map<Digest, { readonly file: Digest; readonly reading: Promise<Release> }>();

  constructor(store: NodeStore) {
    this.#store = store;
  }

  /** Parsed once for each digest, since a digest never means two things. */
  release(digest: Digest, document: ArtifactRef): Promise<Release> {
    const known = this.#releases.get(digest);
    if (known !== undefined) return known.reading;
    const reading = this.#read(digest, document);
    this.#releases.set(digest, { file: document.file, reading });
    reading.catch(() => this.#releases.delete(digest));
    return reading;
  }

  /** What was given up is read no more. */
  keepOnly(files: ReadonlySet<string>): void {
    for (const [digest, { file }] of this.#releases) if (!files.has(file)) this.#releases.delete(digest);
  }

  suite(digest: Digest, artifact: ArtifactRef): Promise<SuiteDocument> {
    return readDocument(this.#store, artifact, digest, SuiteDocument, () => 'suiteInvalid');
  }

  async #read(digest: Digest, document: ArtifactRef): Promise<Release> {
    assertReadable({ digest, document });
    return readDocument(this.#store, document, digest, Release, (issues) =>
      issues.every(({ path }) => path[0] === 'policy') ? 'policyInvalid' : 'documentInvalid',
    );
  }
}

/** By the size that is announced, so before any of it is fetched; what comes then has no other. */
export function assertReadable({ digest, document }: Pick<Assignment['release'], 'digest' | 'document'>): void {
  if (document.size <= MAX_RELEASE_BYTES) return;
  throw new Unrecoverable('documentInvalid', `the document ${digest} has ${document.size} bytes, which no release has`);
}
