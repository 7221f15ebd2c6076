import { type Digest, Refusal } from '@openward/contracts';
import { type Fetcher, MOST_ASKED } from './fetch.driver.ts';
import { LEAST_WINDOW } from './pace.ts';
import { runPool } from './pool.ts';
import type { ArtifactLayout, LocalStore, TargetFile, TransferProgress, TransferState } from './ports.ts';

/** Written and not yet durable: at most twice this and a window, so that a kill costs less than 64 MiB. */
export const SYNC_BYTES = 16 * 1024 * 1024;
/** Failures one after the other that mean the connection, not a message. */
const MOST_FAILURES = 3;

export interface Filling {
  readonly layout: ArtifactLayout;
  readonly target: TargetFile;
  readonly store: LocalStore;
  readonly fetcher: Fetcher;
  readonly syncBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly tell: (state: TransferState) => void;
  readonly progress: (progress: TransferProgress) => void;
}

/** Chunks of the same bytes are fetched once and written wherever they belong. */
interface Unit {
  readonly digest: Digest;
  readonly size: number;
  readonly indices: number[];
}

function pendingUnits({ chunks }: ArtifactLayout, done: ReadonlySet<number>): Unit[] {
  const units = new Map<Digest, Unit>();
  for (const [index, { digest, size }] of chunks.entries()) {
    if (done.has(index)) continue;
    const unit = units.get(digest);
    if (unit) unit.indices.push(index);
    else units.set(digest, { digest, size, indices: [index] });
  }
  return [...units.values()].reverse();
}

export const doneBytes = ({ chunks }: ArtifactLayout, done: ReadonlySet<number>): number => {
  let sum = 0;
  for (const index of done) sum += chunks[index]!.size;
  return sum;
};

/**
 * Brings every chunk that the target lacks, from other files here or over the link, and syncs. Resolves with the bytes that
 * were copied here. Rejects with `diskFull`; then what was not synced is lost, and the target has to be opened again.
 */
export async function fillTarget(filling: Filling): Promise<number> {
  const { layout, target, store, fetcher, syncBytes, signal, tell, progress } = filling;
  const totalBytes = layout.manifest.size;
  const keptBytes = doneBytes(layout, target.done);
  let copiedBytes = 0;
  let written = keptBytes;
  const queue = pendingUnits(layout, target.done);
  const missing: Unit[] = [];
  const damaged = new Set<Digest>();
  let failuresBefore = 0;
  let unsynced = 0;
  let syncing: Promise<void> = Promise.resolve();

  const tellProgress = (): void => progress({ doneBytes: written, totalBytes, reusedBytes: keptBytes + copiedBytes });

  async function write(unit: Unit, bytes: Uint8Array): Promise<void> {
    for (const index of unit.indices) await target.write(index, bytes);
    const size = unit.size * unit.indices.length;
    written += size;
    unsynced += size;
    tellProgress();
    if (unsynced < syncBytes) return;
    await syncing;
    if (unsynced < syncBytes) return;
    unsynced = 0;
    syncing = target.sync();
    // Whoever waits for it next sees the failure.
    syncing.catch(() => undefined);
  }

  async function bring(unit: Unit): Promise<void> {
    signal?.throwIfAborted();
    const here = await store.findChunk(unit.digest);
    if (here) {
      await write(unit, here);
      copiedBytes += unit.size * unit.indices.length;
      return;
    }
    const fetched = await fetcher.fetch(unit);
    switch (fetched.kind) {
      case 'bytes':
        await write(unit, fetched.bytes);
        return fetcher.giveBack(fetched.bytes);
      case 'failed':
        queue.push(unit);
        return;
      case 'missing':
        missing.push(unit);
        return;
      case 'damaged':
        // Once may be the way here; twice is the stream, which is asked to replace it.
        (damaged.has(unit.digest) ? missing : queue).push(unit);
        damaged.add(unit.digest);
    }
  }

  const next = (): (() => Promise<void>) | undefined => {
    if (fetcher.failures < failuresBefore) failuresBefore = 0;
    if (missing.length >= MOST_ASKED || fetcher.failures - failuresBefore >= MOST_FAILURES) return undefined;
    const unit = queue.pop();
    return unit && (() => bring(unit));
  };

  tellProgress();
  for (;;) {
    tell({ kind: 'fetching' });
    failuresBefore = fetcher.failures;
    // While nothing comes through, a few requests find out as well as a window of them.
    await runPool(next, () => (fetcher.failures > 0 ? LEAST_WINDOW : fetcher.window()));
    if (missing.length > 0) {
      await fetcher.askRefill(missing.map((unit) => unit.digest));
      queue.push(...missing.splice(0).reverse());
    } else if (queue.length > 0) await fetcher.backOff();
    else break;
  }
  await syncing;
  await target.sync();
  if (written !== totalBytes) throw new Error(`${written} of ${totalBytes} bytes were written`);
  return copiedBytes;
}

export const isDiskFull = (error: unknown): error is Refusal => error instanceof Refusal && error.code === 'diskFull';
