import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unrecoverable } from '@openward/activation';
import { plainPolicy } from '@openward/contracts';
import { createLogger } from '@openward/observability';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFetch } from './artifacts.ts';
import { MAX_RELEASE_BYTES } from './documents.ts';
import { realPorts } from './real-ports.ts';
import { assignmentOf, diskIn, releaseWith } from './release.fixture.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openward-artifacts-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

type Options = Parameters<typeof createFetch>[0];

/** A node that counts how often it would go to the network, and never gets there. */
function offline() {
  let asked = 0;
  const options: Partial<Options> = {
    store: diskIn().store,
    config: { link: { bytesPerSecond: null } } as Options['config'],
    online: () => {
      asked += 1;
      return Promise.reject(new Error('no network'));
    },
  };
  return { fetch: createFetch(options as Options), options, asked: () => asked };
}

const announced = (size: number) => {
  const assignment = assignmentOf(diskIn(), dir, releaseWith(plainPolicy('Hello.')));
  const document = { ...assignment.release.document, size };
  return { ...assignment, release: { ...assignment.release, document } };
};

test('a release document that is larger than any release ends the attempt before a byte of it is asked for', async () => {
  const { fetch, asked } = offline();
  const signal = new AbortController().signal;
  const fetching = (size: number) => fetch.fetch(announced(size), () => undefined, signal);
  const refused = await fetching(MAX_RELEASE_BYTES + 1).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Unrecoverable);
  expect(refused).toMatchObject({ code: 'documentInvalid' });
  expect(asked()).toBe(0);
  const read = fetch.fetchDocument(announced(MAX_RELEASE_BYTES + 1)).catch((error: unknown) => error);
  expect(await read).toMatchObject({ code: 'documentInvalid' });
  expect(asked()).toBe(0);
  await expect(fetching(MAX_RELEASE_BYTES)).rejects.toThrow('no network');
  expect(asked()).toBe(1);
});

test('N2 whoever reads an offer waits no longer than told for a document that another transfer is bringing', async () => {
  const begun = Promise.withResolvers<void>();
  /** A network that takes every question, and answers none. */
  const session = {
    reaches: () => Promise.resolve(),
    bulk: {
      request: () => {
        begun.resolve();
        return new Promise(() => undefined);
      },
      giveBack: () => undefined,
    },
  };
  const ports = realPorts(createLogger({ name: 'edge-agent', level: 'silent' }));
  const fetch = createFetch({
    ...offline().options,
    store: { find: () => Promise.resolve(undefined), readPiece: () => Promise.resolve(null) },
    ports,
    log: ports.log,
    online: () => Promise.resolve({ session, calls: {} }),
    onProgress: () => undefined,
    onFetched: () => undefined,
    documentWaitMs: 20,
  } as unknown as Options);
  const stop = new AbortController();
  const assignment = announced(1_000);
  const other = fetch.fetch(assignment, () => undefined, stop.signal).catch((error: unknown) => error);
  await begun.promise;
  await expect(fetch.fetchDocument(assignment)).rejects.toMatchObject({ code: 'busy' });
  stop.abort(new Error('stopped'));
  expect(await other).toMatchObject({ message: 'stopped' });
});
