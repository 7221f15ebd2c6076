import { open } from 'node:fs/promises';
import { Unrecoverable, type Fetch, type Held, type Verify } from '@openward/activation';
import { artifactsOf, ReasonCode, Refusal, type ArtifactRef, type WaitCode } from '@openward/contracts';
import {
  natsChunkSource,
  readGguf,
  threadedDigest,
  transfer,
  type ByteSource,
  type NodeStore,
  type TransferPorts,
  type TransferState,
} from '@openward/distribution';
import type { AgentConfig } from '../config.ts';
import type { Calls } from '../network/calls.ts';
import type { Session } from '../network/session.ts';
import type { Documents } from './documents.ts';
import { keyOf, type LoadedReleases } from './model-runtime.ts';

/** What of the network a transfer needs; it stands once the node is connected for the first time. */
export interface Online {
  readonly session: Session;
  readonly calls: Calls;
}

export interface FetchProgress {
  readonly service: string;
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly reusedBytes: number;
}

const waitOf = (state: TransferState): WaitCode | null => {
  switch (state.kind) {
    case 'chunksMissing':
      return 'chunksMissing';
    case 'noSpace':
      return 'space';
    case 'retrying':
      return 'network';
    case 'fetching':
    case 'verifying':
      return null;
  }
};

export function createFetch(options: {
  readonly store: NodeStore;
  readonly ports: Pick<TransferPorts, 'clock' | 'timers' | 'random'>;
  readonly online: (signal: AbortSignal) => Promise<Online>;
  readonly config: AgentConfig;
  readonly onProgress: (progress: FetchProgress) => void;
  /** Bytes that came over the link for one artifact; 0 where everything was here. */
  readonly onFetched: (bytes: number) => void;
  readonly models: Pick<LoadedReleases, 'keys' | 'remove'>;
  /** Nothing but these is on the disk from now on. */
  readonly onReclaimed: (files: ReadonlySet<string>) => void;
}): Fetch {
  const { store, config } = options;
  const link = { bytesPerSecond: () => config.link.bytesPerSecond ?? undefined, roundTripMs: () => undefined };
  return {
    async fetch(assignment, waiting, signal) {
      waiting('network');
      const { session, calls } = await options.online(signal);
      await session.reaches(assignment.release.document.family, signal);
      waiting(null);
      const source = natsChunkSource((subject, payload, { timeout }) =>
        session.bulk.nc.request(subject, payload, { timeout }),
      );
      const refill = {
        ask: (family: string, manifest: string, chunks: readonly string[]) =>
          calls.call('refill', { family, manifest, chunks: [...chunks] }),
      };
      for (const artifact of artifactsOf(assignment)) {
        try {
          const { fetchedBytes } = await transfer(
            { ...options.ports, source, refill, store, digest: threadedDigest },
            {
              artifact,
              link,
              signal,
              onState: (state) => waiting(waitOf(state)),
              onProgress: (progress) =>
                options.onProgress({ service: assignment.service, file: artifact.file, ...progress }),
            },
          );
          options.onFetched(fetchedBytes);
        } catch (error) {
          throw asReason(error);
        }
      }
    },
    async reclaim({ manifests, files, keys }) {
      const wanted = new Set([...manifests, ...files]);
      await store.reclaim(wanted);
      options.onReclaimed(wanted);
      const kept = new Set(keys);
      for (const key of options.models.keys()) if (!kept.has(key)) await options.models.remove(key);
    },
  };
}

/** A refusal whose code is in the list ends the attempt; everything else may pass. */
function asReason(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const code = ReasonCode.safeParse(error.code);
  return code.success ? new Unrecoverable(code.data, error.message, { cause: error }) : error;
}

async function sourceOf(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    size,
    read: async (offset, length) => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      if (bytesRead !== length) throw new Error(`the file ended at ${offset + bytesRead}`);
      return bytes;
    },
    close: () => handle.close(),
  };
}

export function createVerify(options: {
  readonly store: NodeStore;
  readonly documents: Documents;
  readonly config: AgentConfig;
}): Verify {
  const { store, documents, config } = options;
  const checkFile = async (artifact: ArtifactRef, signal: AbortSignal): Promise<void> => {
    if (!(await store.verify(artifact.file, signal))) {
      await store.remove(artifact.file);
      throw new Unrecoverable('digestMismatch', `the file ${artifact.file} is damaged on this disk`);
    }
  };
  const checkGguf = async (artifact: ArtifactRef): Promise<void> => {
    const path = await store.find(artifact.file);
    if (path === undefined) throw new Error(`the file ${artifact.file} is not on this disk`);
    const source = await sourceOf(path);
    try {
      await readGguf(source);
    } catch (cause) {
      throw new Unrecoverable('modelNotGguf', `the file ${artifact.file} is no GGUF that this agent would load`, {
        cause,
      });
    } finally {
      await source.close();
    }
  };
  return {
    async verify(assignment, signal): Promise<Held> {
      const { release, suite, variant } = assignment;
      for (const artifact of artifactsOf(assignment)) await checkFile(artifact, signal);
      await checkGguf(variant.artifact);
      if (variant.base !== undefined) await checkGguf(variant.base);
      const document = await documents.release(release.digest, release.document);
      const bound = document.model.variants.find((one) => one.variant === variant.name);
      if (
        document.service.name !== assignment.service ||
        bound?.artifact.file !== variant.artifact.file ||
        bound.base?.file !== variant.base?.file
      )
        throw new Unrecoverable('documentInvalid', 'the release does not bind the variant that the assignment names');
      if (document.suite.digest !== suite.digest)
        throw new Unrecoverable('documentInvalid', 'the release does not bind the suite that the assignment names');
      await documents.suite(suite.digest, suite.artifact);
      if (bound.needs.threads > config.runtime.threads || bound.needs.memoryBytes > config.runtime.memoryGiB * 2 ** 30)
        throw new Unrecoverable(
          'variantNoLongerFits',
          `the variant ${variant.name} needs more than this node gives its runtime`,
        );
      return {
        key: keyOf({ ...variant, contextLength: document.model.contextLength }),
        release: release.digest,
        number: release.number,
        variant: variant.name,
        document: release.document,
        artifact: variant.artifact,
        ...(variant.base === undefined ? {} : { base: variant.base }),
        chain: null,
      };
    },
  };
}
