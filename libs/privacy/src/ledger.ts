import { digestOf, digestOfBytes, type Digest, type LedgerHead } from '@openward/contracts';

// The node's record of everything that left it (P1): a row for each message whose payload the agent composed, with its exact
// bytes, and a counted row an hour for frames without one. Rows are chained, so that a restored snapshot shows (P8).

export const DISCLOSURE_KINDS = [
  'state',
  'evidence',
  'permit',
  'acked',
  'renew',
  'refill',
  'hello',
  'enrol',
  'frames',
] as const;
export type DisclosureKind = (typeof DISCLOSURE_KINDS)[number];

export interface LedgerRow {
  /** From 1, without a gap. */
  readonly seq: number;
  readonly kind: DisclosureKind;
  /** NATS subject, or method and path. */
  readonly subject: string;
  /** As handed to the connection, signature included. */
  readonly bytes: Uint8Array;
  /** Wall time, milliseconds; for people. */
  readonly at: number;
  /** Digest over the former head and this row. */
  readonly head: Digest;
}

/** Before the first row. */
export const EMPTY_LEDGER: LedgerHead = { seq: 0, head: digestOf('openward ledger') };

export function nextRow(
  before: LedgerHead,
  entry: { readonly kind: DisclosureKind; readonly subject: string; readonly bytes: Uint8Array; readonly at: number },
): LedgerRow {
  const seq = before.seq + 1;
  const head = digestOf({
    before: before.head,
    seq,
    kind: entry.kind,
    subject: entry.subject,
    at: entry.at,
    bytes: digestOfBytes(entry.bytes),
  });
  return { ...entry, seq, head };
}

/** The first row that does not follow from the one before it; null when the chain holds. */
export function firstBrokenRow(rows: Iterable<LedgerRow>, from: LedgerHead = EMPTY_LEDGER): number | null {
  let head = from;
  for (const row of rows) {
    if (nextRow(head, row).head !== row.head || row.seq !== head.seq + 1) return row.seq;
    head = { seq: row.seq, head: row.head };
  }
  return null;
}

export type LedgerComparison = 'same' | 'ahead' | 'behind' | 'forked';

/**
 * P8: what the network last accepted, against what the node holds. `behind` and `forked` mean that a snapshot was restored,
 * and the node sends nothing until hospital IT has acknowledged it.
 */
export function compareLedgers(
  accepted: LedgerHead | null,
  own: LedgerHead,
  headAt: (seq: number) => Digest | null,
): LedgerComparison {
  if (accepted === null) return own.seq === 0 ? 'same' : 'ahead';
  if (accepted.seq > own.seq) return 'behind';
  if (accepted.seq > 0 && headAt(accepted.seq) !== accepted.head) return 'forked';
  return accepted.seq === own.seq ? 'same' : 'ahead';
}
