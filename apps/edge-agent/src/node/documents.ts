import { readFile } from 'node:fs/promises';
import { Unrecoverable } from '@openward/activation';
import { digestOf, Release, SuiteDocument, type ArtifactRef, type Digest } from '@openward/contracts';
import type { NodeStore } from '@openward/distribution';
import type { z } from 'zod';

// Releases and suites are documents that came as artifacts; what they say counts only after their digest was seen to hold.

async function readDocument<S extends z.ZodType>(
  store: NodeStore,
  artifact: ArtifactRef,
  digest: Digest,
  schema: S,
  code: 'documentInvalid' | 'suiteInvalid',
): Promise<z.output<S>> {
  const path = await store.find(artifact.file);
  if (path === undefined) throw new Error(`the document ${artifact.file} is not on this disk`);
  const parsed = schema.safeParse(parse(await readFile(path, 'utf8')));
  if (!parsed.success)
    throw new Unrecoverable(code, `the document ${digest} has not the form that this agent knows`, {
      cause: parsed.error,
    });
  if (digestOf(parsed.data) !== digest) throw new Unrecoverable('digestMismatch', `the document is not ${digest}`);
  return parsed.data;
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
  readonly #releases = new Map<Digest, Promise<Release>>();

  constructor(store: NodeStore) {
    this.#store = store;
  }

  /** Parsed once for each digest, since a digest never means two things. */
  release(digest: Digest, document: ArtifactRef): Promise<Release> {
    const known = this.#releases.get(digest);
    if (known !== undefined) return known;
    const reading = readDocument(this.#store, document, digest, Release, 'documentInvalid');
    this.#releases.set(digest, reading);
    reading.catch(() => this.#releases.delete(digest));
    return reading;
  }

  suite(digest: Digest, artifact: ArtifactRef): Promise<SuiteDocument> {
    return readDocument(this.#store, artifact, digest, SuiteDocument, 'suiteInvalid');
  }
}
