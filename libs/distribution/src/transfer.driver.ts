import { digestOfBytes, type Digest, Refusal } from '@openward/contracts';
import { createFetcher, type Fetcher } from './fetch.driver.ts';
import { doneBytes, fillTarget, isDiskFull, SYNC_BYTES } from './fill.driver.ts';
import { readLayout } from './manifest.ts';
import type {
  ArtifactLayout,
  TargetFile,
  TransferPorts,
  TransferRequest,
  TransferResult,
  TransferState,
} from './ports.ts';

/** Kept free besides what the transfer needs, so that journals and reports can still be written. */
const MARGIN_BYTES = 16 * 1024 * 1024;
const SPACE_WAIT_MS = 15_000;
/** A disk that gave back other bytes than were written this often is not asked again. */
const MOST_REPAIRS = 3;

/**
 * Brings one artifact to this node: manifest, lists, chunks, each verified before it is written, then the whole file. Waits
 * as long as it must for connection, chunks and space, and says so; ends early only by its signal (with the signal's
 * reason) or a refusal: `digestMismatch`. Killed anywhere and called again, it goes on where the journal says.
 */
export async function transfer(
  ports: TransferPorts,
  request: TransferRequest,
  { syncBytes = SYNC_BYTES }: { readonly syncBytes?: number } = {},
): Promise<TransferResult> {
  const { store } = ports;
  const { artifact, link, signal } = request;
  signal?.throwIfAborted();
  const before = await store.find(artifact.file);
  if (before !== undefined) return { path: before, fetchedBytes: 0, reusedBytes: artifact.size };

  let told = '';
  const tell = (state: TransferState): void => {
    const text = JSON.stringify(state);
    if (text === told) return;
    told = text;
    request.onState?.(state);
  };
  const { family, manifest } = artifact;
  const fetcher = createFetcher(ports, { family, manifest, link, signal, tell });
  const layout = await bringLayout(ports, request, fetcher, tell);

  let reusedBytes: number | undefined;
  for (let repairs = 0; ;) {
    const target = await openWithSpace(ports, layout, signal, tell);
    try {
      reusedBytes ??= doneBytes(layout, target.done);
      const progress = request.onProgress?.bind(request) ?? (() => undefined);
      reusedBytes += await fillTarget({ layout, target, store, fetcher, syncBytes, signal, tell, progress });
      tell({ kind: 'verifying' });
      if ((await target.digest(signal)) === artifact.file) {
        return { path: await target.commit(), fetchedBytes: fetcher.fetchedBytes, reusedBytes };
      }
      repairs += 1;
      await repair(layout, target, repairs, signal);
    } catch (error) {
      if (!isDiskFull(error)) {
        await keepWhatCame(target);
        throw error;
      }
      await target.close();
      await store.releaseReserve();
      await waitForSpace(ports, doneBytes(layout, target.done), layout, signal, tell);
    } finally {
      await target.close();
    }
  }
}

/** The manifest and its lists: from an earlier transfer, or over the link and then kept. */
async function bringLayout(
  ports: TransferPorts,
  { artifact, signal }: TransferRequest,
  fetcher: Fetcher,
  tell: (state: TransferState) => void,
): Promise<ArtifactLayout> {
  const { store } = ports;
  tell({ kind: 'fetching' });
  const read = async (digest: Digest): Promise<Uint8Array> => {
    const kept = await store.readPiece(digest);
    if (kept) return kept;
    const bytes = await fetcher.fetchSurely({ digest, size: undefined });
    for (;;) {
      try {
        await store.writePiece(digest, bytes);
        return bytes;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        await store.releaseReserve();
        await waitForSpace(ports, 0, { manifest: { size: bytes.length } }, signal, tell);
      }
    }
  };
  const layout = await readLayout(artifact.manifest, read);
  if ('missing' in layout) throw new Error('a fetched piece is missing');
  const { file, size } = layout.manifest;
  if (file === artifact.file && size === artifact.size) return layout;
  throw new Refusal('digestMismatch', `The manifest ${artifact.manifest} is not of the file ${artifact.file}.`);
}

async function openWithSpace(
  ports: TransferPorts,
  layout: ArtifactLayout,
  signal: AbortSignal | undefined,
  tell: (state: TransferState) => void,
): Promise<TargetFile> {
  for (;;) {
    let done = 0;
    try {
      const target = await ports.store.open(layout);
      done = doneBytes(layout, target.done);
      if ((await ports.store.freeSpace()) >= layout.manifest.size - done + MARGIN_BYTES) return target;
      await target.close();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await ports.store.releaseReserve();
    }
    await waitForSpace(ports, done, layout, signal, tell);
  }
}

/** Looks every quarter of a minute, and takes the reserve back before it lets the transfer go on (N7). */
async function waitForSpace(
  { store, timers }: TransferPorts,
  done: number,
  layout: { readonly manifest: { readonly size: number } },
  signal: AbortSignal | undefined,
  tell: (state: TransferState) => void,
): Promise<void> {
  const neededBytes = layout.manifest.size - done + MARGIN_BYTES;
  for (;;) {
    tell({ kind: 'noSpace', neededBytes, freeBytes: await store.freeSpace(), waitMs: SPACE_WAIT_MS });
    await timers.sleep(SPACE_WAIT_MS, signal);
    if ((await store.freeSpace()) < neededBytes) continue;
    if ((await store.restoreReserve()) && (await store.freeSpace()) >= neededBytes) return;
  }
}

/** After a whole file of the wrong digest: finds the chunks that the disk does not give back, so that they are fetched again. */
async function repair(
  layout: ArtifactLayout,
  target: TargetFile,
  repairs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bad: number[] = [];
  for (const [index, { digest }] of layout.chunks.entries()) {
    signal?.throwIfAborted();
    if (digestOfBytes(await target.read(index)) !== digest) bad.push(index);
  }
  if (bad.length > 0 && repairs <= MOST_REPAIRS) return target.forget(bad);
  await target.discard();
  const why = bad.length === 0 ? 'its chunks are right and the whole is not' : 'the disk gives back other bytes';
  throw new Refusal('digestMismatch', `The file ${layout.manifest.file} cannot be made: ${why}.`);
}

/** What was written before a stop need not be fetched again; a disk that fails here fails later too, and says so then. */
async function keepWhatCame(target: TargetFile): Promise<void> {
  try {
    await target.sync();
  } catch {
    // The error that ended the transfer is the one to tell.
  }
}
