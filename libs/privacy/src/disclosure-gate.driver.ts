import { Report, type LedgerHead, type Name } from '@openward/contracts';
import { sealDocument, type SigningKey } from '@openward/trust';
import { nextRow, type DisclosureKind } from './ledger.ts';
import type { PrivacyPorts } from './ports.ts';

/** Everything a report is padded to a multiple of, in bytes (P6). */
const PADDING = 1024;

/** Who speaks, and where. */
export interface Speaker {
  readonly site: Name;
  readonly node: Name;
  /** Of this start of the agent. */
  readonly boot: string;
  readonly identity: SigningKey;
  readonly reportSubject: string;
}

/**
 * The only way out of a node (P1). It takes typed values, composes the bytes, and resolves when they are a row of the ledger;
 * only then may anybody send them. Calls are taken one after the other, since each row chains to the one before it.
 */
export interface DisclosureGate {
  /** A report, in the ledger and in the outbox. It gives the sequence. */
  report(body: Report['body']): Promise<number>;
  /** A request of the node, sealed. Sending the returned bytes again is the same row. */
  request(kind: DisclosureKind, subject: string, payload: unknown): Promise<Uint8Array>;
  /** Frames of the connection that carry no payload of ours, counted by template since the last call. */
  countFrames(counts: Readonly<Record<string, number>>): Promise<void>;
}

export function createDisclosureGate(ports: PrivacyPorts, speaker: Speaker): DisclosureGate {
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(act: () => Promise<T>): Promise<T> => {
    const mine = last.then(act);
    // Whoever asked is told; the next in line is not held up.
    last = mine.catch(() => undefined);
    return mine;
  };
  const row = (head: LedgerHead, kind: DisclosureKind, subject: string, bytes: Uint8Array) =>
    nextRow(head, { kind, subject, bytes, at: ports.clock.wall() });

  return {
    report: (body) =>
      inOrder(async () => {
        const head = await ports.store.head();
        const seq = (await ports.store.newestReport()) + 1;
        // Parsed strictly on the way out as well: a field that the schema does not name must not leave.
        const report = Report.parse({
          v: 1,
          site: speaker.site,
          node: speaker.node,
          boot: speaker.boot,
          seq,
          ledger: head,
          body,
        });
        const frame = sealDocument(speaker.reportSubject, report, speaker.identity, PADDING);
        await ports.store.appendReport(row(head, body.type, speaker.reportSubject, frame), seq);
        return seq;
      }),
    request: (kind, subject, payload) =>
      inOrder(async () => {
        const frame = sealDocument(subject, payload, speaker.identity);
        await ports.store.append(row(await ports.store.head(), kind, subject, frame));
        return frame;
      }),
    countFrames: (counts) =>
      inOrder(async () => {
        const bytes = Buffer.from(JSON.stringify(counts));
        await ports.store.append(row(await ports.store.head(), 'frames', 'connection', bytes));
      }),
  };
}
