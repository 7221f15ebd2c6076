import type { Fetch } from '@openward/activation';
import {
  artifactsOf,
  Refusal,
  type ArtifactRef,
  type Assignment,
  type Digest,
  type Log,
  type WaitCode,
} from '@openward/contracts';
import {
  natsChunkSource,
  threadedDigest,
  transfer,
  type NodeStore,
  type TransferPorts,
  type TransferState,
} from '@openward/distribution';
import type { AgentConfig } from '../config.ts';
import type { Calls } from '../network/calls.ts';
import type { Session } from '../network/session.ts';
import { assertReadable } from './documents.ts';
import type { LoadedReleases } from './model-runtime.ts';

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

/** Each new reason once: an outage may last for days. */
function troubleTeller(log: Log, service: string): (state: TransferState) => void {
  let told = '';
  return (state) => {
    const why = 'why' in state ? state.why : null;
    if (why === null || why === told) return;
    told = why;
    log.warn(`fetch.${state.kind}`, { service, why });
  };
}

/** How long a person waits for a document that is asked for alone. */
const DOCUMENT_WAIT_MS = 30_000;

/** Until another's transfer ends, well or badly: whoever began it is told why it failed. Rejects once the signal is aborted. */
async function untilOver(other: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([aborted, other.catch(() => undefined)]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export interface Fetching extends Fetch {
  /**
   * Brings the release document of an offer and nothing else, because a person here wants to read it before deciding what may be
   * fetched (N2). Nothing where it is here already. `busy` where it does not come within half a minute, whatever it waits for.
   */
  fetchDocument(assignment: Assignment): Promise<void>;
}

export function createFetch(options: {
  readonly store: NodeStore;
  readonly ports: Pick<TransferPorts, 'clock' | 'timers' | 'random'>;
  readonly online: (signal: AbortSignal) => Promise<Online>;
  readonly config: AgentConfig;
  readonly onProgress: (progress: FetchProgress) => void;
  /** Bytes that came over the link for one artifact; 0 where everything was here. */
  readonly onFetched: (bytes: number) => void;
  readonly log: Log;
  readonly models: Pick<LoadedReleases, 'keys' | 'remove'>;
  /** Nothing but these is on the disk from now on. */
  readonly onReclaimed: (files: ReadonlySet<string>) => void;
  /** How long a person waits for a document; half a minute unless told. */
  readonly documentWaitMs?: number;
}): Fetching {
  const { store, config } = options;
  const link = { bytesPerSecond: () => config.link.bytesPerSecond ?? undefined, roundTripMs: () => undefined };
  /** One transfer of a file at a time: what a person asks for may be on its way already. */
  const coming = new Map<Digest, Promise<void>>();

  const bring = async (
    { service, release }: Assignment,
    artifacts: readonly ArtifactRef[],
    waiting: (code: WaitCode | null) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    waiting('network');
    const { session, calls } = await options.online(signal);
    await session.reaches(release.document.family, signal);
    waiting(null);
    const source = natsChunkSource(
      (subject, payload, options) => session.bulk.request(subject, payload, options),
      session.bulk.giveBack,
    );
    const refill = {
      ask: (family: string, manifest: string, chunks: readonly string[]) =>
        calls.call('refill', { family, manifest, chunks: [...chunks] }),
    };
    const bringOne = async (artifact: ArtifactRef): Promise<void> => {
      const tellTrouble = troubleTeller(options.log, service);
      const { fetchedBytes } = await transfer(
        { ...options.ports, source, refill, store, digest: threadedDigest },
        {
          artifact,
          link,
          signal,
          onState: (state) => {
            tellTrouble(state);
            waiting(waitOf(state));
          },
          onProgress: (progress) => options.onProgress({ service, file: artifact.file, ...progress }),
        },
      );
      options.onFetched(fetchedBytes);
    };
    for (const artifact of artifacts) {
      for (let other; (other = coming.get(artifact.file)) !== undefined;) await untilOver(other, signal);
      const transferring = bringOne(artifact).finally(() => coming.delete(artifact.file));
      coming.set(artifact.file, transferring);
      await transferring;
    }
  };

  return {
    async fetch(assignment, waiting, signal) {
      assertReadable(assignment.release);
      await bring(assignment, artifactsOf(assignment), waiting, signal);
    },
    async fetchDocument(assignment) {
      const { document } = assignment.release;
      if ((await store.find(document.file)) !== undefined) return;
      assertReadable(assignment.release);
      const deadline = AbortSignal.timeout(options.documentWaitMs ?? DOCUMENT_WAIT_MS);
      try {
        await bring(assignment, [document], () => undefined, deadline);
      } catch (cause) {
        if (!deadline.aborted) throw cause;
        const message = 'Nothing of this release is here yet, and the network cannot be reached now.';
        throw new Refusal('busy', message, { cause });
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
