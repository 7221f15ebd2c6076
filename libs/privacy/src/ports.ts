import type { AckedReply, Clock, Ids, LedgerHead, Log, Timers } from '@openward/contracts';
import type { LedgerRow } from './ledger.ts';

export interface QueuedReport {
  readonly seq: number;
  readonly frame: Uint8Array;
}

/** When one of its methods that write resolves, what it wrote survives a crash. */
export interface LedgerStore {
  head(): Promise<LedgerHead>;
  append(row: LedgerRow): Promise<void>;
  /** The row and the report's place in the outbox, in one transaction. */
  appendReport(row: LedgerRow, seq: number): Promise<void>;
  /** The highest sequence ever given to a report, acknowledged or not; 0 before the first. */
  newestReport(): Promise<number>;
  /** Reports not yet acknowledged, oldest first, at most `limit`. */
  queued(limit: number): Promise<readonly QueuedReport[]>;
  /** Forgets reports up to this sequence; their rows stay in the ledger. */
  acknowledge(through: number): Promise<void>;
}

/** Resolves when the stream has stored the frame, which is not yet the network's commit. Rejects when it cannot tell. */
export interface ReportTransport {
  publish(frame: Uint8Array, seq: number): Promise<void>;
  /** Asks how far the network has committed (D4). */
  acked(through: number): Promise<AckedReply>;
  /** Resolves when there is a connection. */
  connected(signal?: AbortSignal): Promise<void>;
}

export interface PrivacyPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ids: Ids;
  readonly log: Log;
  readonly store: LedgerStore;
}
