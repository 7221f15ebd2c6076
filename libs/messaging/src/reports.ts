import { reportSubject } from '@openward/contracts';
import { jetstream } from '@nats-io/jetstream';
import type { NodeLink } from './connect-node.ts';
import { traceHeaders } from './trace.ts';

export interface OutgoingReport {
  /** A random uuid, the same whenever the same bytes are sent again. */
  readonly id: string;
  readonly frame: Uint8Array;
  readonly traceparent?: string;
  readonly timeoutMs?: number;
}

/**
 * Resolves when the stream has the report. That is not the end of it: the node keeps the report until `ackedThrough` covers
 * it (D4). `duplicate` on a first send is an alarm: somebody used this id before. Rejects on a timeout, and while as many of this
 * node's reports wait as may; send it again then.
 */
export async function publishReport(
  link: NodeLink,
  report: OutgoingReport,
): Promise<{ readonly sequence: number; readonly duplicate: boolean }> {
  await link.whenConnected();
  const headers = traceHeaders(report.traceparent);
  const { seq, duplicate } = await jetstream(link.nc).publish(reportSubject(link.site, link.node), report.frame, {
    msgID: `${link.node}:${report.id}`,
    timeout: report.timeoutMs ?? 5_000,
    ...(headers ? { headers } : {}),
  });
  return { sequence: seq, duplicate };
}

/** Each report goes to one of the replicas that consume by it, and to another when that one dies over it. */
export const INGEST_DURABLE = 'ow-ingest';
