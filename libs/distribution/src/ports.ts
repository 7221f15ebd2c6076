import type { ArtifactManifest, ChunkRef, Clock, Digest, Name, Random, Timers } from '@openward/contracts';

// What this library asks of the world. The drivers (`*.driver.ts`) know nothing else, so that a simulation can stand in for
// all of it. A piece is a manifest, a list of chunks or a chunk: bytes that are named by their digest.

/** Bytes that can be read at any place. `read` gives exactly `length` bytes, or rejects; callers stay inside `size`. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** One piece in the artifact store. `storedAt` is wall time in milliseconds, of the newest upload or claim. */
export interface StoredPiece {
  readonly digest: Digest;
  readonly bytes: number;
  readonly storedAt: number;
}

/** D1: the source of all bytes, shared by the replicas of the control plane. */
export interface ArtifactStore {
  /**
   * When it resolves, the piece is durable, and as young as now. Refuses `digestMismatch`, `bodyTooLarge` (a piece has at
   * most 512 KiB) and `quotaExceeded`; then nothing is kept. False when the piece was there already.
   */
  put(digest: Digest, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<boolean>;
  /** Those of `digests` that are there. */
  has(digests: Iterable<Digest>): Promise<Set<Digest>>;
  /** As `has`, and each that is there counts as uploaded now, so that no sweep takes it for a day (D7). */
  claim(digests: Iterable<Digest>): Promise<Set<Digest>>;
  /** Verified bytes. A damaged piece is removed, to be filled in again, and is undefined like one that is not there (D7). */
  get(digest: Digest): Promise<Uint8Array | undefined>;
  /** Removes the piece unless it was uploaded or claimed at or after `storedBefore`. False when it stays or is not there. */
  delete(digest: Digest, storedBefore?: number): Promise<boolean>;
  /** Every piece that was there when the listing began and still is. In no order. */
  list(): AsyncIterable<StoredPiece>;
  /** Bytes that are stored, and the quota. */
  usage(): Promise<{ readonly bytes: number; readonly quotaBytes: number }>;
}

/** Where a node fetches pieces: settles within `timeoutMs`, rejects on time-out and loss of connection. Bytes are unverified. */
export interface ChunkSource {
  get(
    family: Name,
    digest: Digest,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Uint8Array | 'missing'>;
  /** The caller reads these bytes no more: their memory may take the next piece's. */
  giveBack?(bytes: Uint8Array): void;
}

/** D5: asks the network to fill in what the stream lacks, at most 64 digests. Resolves with how long to wait. */
export interface Refill {
  ask(
    family: Name,
    manifest: Digest,
    digests: readonly Digest[],
    signal?: AbortSignal,
  ): Promise<{ readonly retryAfterMs: number }>;
}

/** A manifest and its lists, read and checked: every sum holds, and `chunks` cover the file without a gap. */
export interface ArtifactLayout {
  readonly digest: Digest;
  readonly manifest: ArtifactManifest;
  /** In the order of the file. */
  readonly chunks: readonly PlacedChunk[];
}

export interface PlacedChunk extends ChunkRef {
  readonly offset: number;
}

/** A file while it is fetched. It never looks whole before `commit`. One at a time for a manifest. */
export interface TargetFile {
  /** Which chunks an earlier run made durable, by their place in the layout. */
  readonly done: ReadonlySet<number>;
  /** Writes a verified chunk. Not durable before `sync`. Refuses `diskFull`. */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** What stands on disk for the chunk, unverified. */
  read(index: number): Promise<Uint8Array>;
  /** When it resolves, every chunk written before the call is durable, and then its journal entry. Refuses `diskFull`. */
  sync(): Promise<void>;
  /** A chunk that is damaged on disk is no longer done, durably. */
  forget(indices: readonly number[]): Promise<void>;
  /** Digest of the whole file as it stands on disk. */
  digest(signal?: AbortSignal): Promise<Digest>;
  /** After `sync` and `digest`: gives the file its name, durably, and ends this object. The path. */
  commit(): Promise<string>;
  /** Frees the handles; what is durable stays for the next `open`. Idempotent. */
  close(): Promise<void>;
  /** Closes, and removes what was fetched. */
  discard(): Promise<void>;
}

/** The node's files, by digest. Every method that writes refuses `diskFull`. */
export interface LocalStore {
  /** The path of a whole file. It was verified before it got this name; undefined while it is not there. */
  find(file: Digest): Promise<string | undefined>;
  /** A verified manifest or list that an earlier transfer kept. */
  readPiece(digest: Digest): Promise<Uint8Array | undefined>;
  /** When it resolves, the piece is durable. */
  writePiece(digest: Digest, bytes: Uint8Array): Promise<void>;
  open(layout: ArtifactLayout): Promise<TargetFile>;
  /** Verified bytes of a chunk that a whole file here has. */
  findChunk(digest: Digest): Promise<Uint8Array | undefined>;
  /** Bytes that this process may still write. */
  freeSpace(): Promise<number>;
  /** Gives up the reserve, so that journal and reports can still be written (N7). Idempotent. */
  releaseReserve(): Promise<void>;
  /** False while there is no space for it. */
  restoreReserve(): Promise<boolean>;
  /** Removes whole files, partial files and pieces but those of the artifacts whose file or manifest is in `keep`. Bytes freed. */
  reclaim(keep: ReadonlySet<Digest>): Promise<number>;
}

export interface TransferPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly source: ChunkSource;
  readonly refill: Refill;
  readonly store: LocalStore;
  /** SHA-256, as `threadedDigest`; on the caller's own thread when left out. */
  readonly digest?: ((bytes: Uint8Array) => Promise<Digest>) | undefined;
}

/** What a transfer does or waits for, with how long it has waited in view of the caller (each change is told once). */
export type TransferState =
  | { readonly kind: 'fetching' }
  | { readonly kind: 'retrying'; readonly failures: number; readonly waitMs: number; readonly why: string }
  /** `why` the question for them went unanswered; null: it was answered. */
  | { readonly kind: 'chunksMissing'; readonly missing: number; readonly waitMs: number; readonly why: string | null }
  | { readonly kind: 'noSpace'; readonly neededBytes: number; readonly freeBytes: number; readonly waitMs: number }
  | { readonly kind: 'verifying' };

export interface TransferProgress {
  /** Of the file: fetched, copied or found from an earlier run. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Of `doneBytes`, what was not fetched in this run. */
  readonly reusedBytes: number;
}

/** Read anew for each chunk, so that a site can change its budget, or lower it while the link is slow, at any time. */
export interface Link {
  /** Bytes a second, or undefined for no limit. */
  bytesPerSecond(): number | undefined;
  /** Undefined lets the transfer measure it. */
  roundTripMs(): number | undefined;
}

export interface TransferRequest {
  readonly artifact: { readonly manifest: Digest; readonly file: Digest; readonly size: number; readonly family: Name };
  readonly link: Link;
  readonly signal?: AbortSignal | undefined;
  onState?(state: TransferState): void;
  onProgress?(progress: TransferProgress): void;
}

export interface TransferResult {
  readonly path: string;
  /** All that came over the link in this run, manifests, lists and refused bytes too. */
  readonly fetchedBytes: number;
  /** Of the file: copied from other files here, or kept from an earlier run. */
  readonly reusedBytes: number;
}
