import { REPORT_STREAM, reportSubject, type NodeName } from '@openward/contracts';
import { jetstream, type JsMsg } from '@nats-io/jetstream';
import type { EngineLink } from './connect-control-plane.ts';
import type { NodeLink } from './connect-node.ts';
import { consumeDurable, redeliveryDelay, type Running } from './durable.ts';
import { parseReportSubject } from './subjects.ts';
import { traceHeaders, traceOf } from './trace.ts';

export interface OutgoingReport {
  /** A random uuid, the same whenever the same bytes are sent again. */
  readonly id: string;
  readonly frame: Uint8Array;
  readonly traceparent?: string;
  readonly timeoutMs?: number;
}

/**
 * Resolves when the stream has the report. That is not the end of it: the node keeps the report until `ackedThrough` covers
 * it (D4). `duplicate` on a first send is an alarm: somebody used this id before. Rejects on a timeout; send it again then.
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

export interface ReceivedReport extends NodeName {
  /** What the frame was sealed for. */
  readonly subject: string;
  readonly frame: Uint8Array;
  readonly traceparent?: string;
  /** 1 the first time. */
  readonly deliveries: number;
}

export interface ConsumeReportsOptions {
  readonly durable?: string;
  readonly concurrency?: number;
  readonly ackWaitMs?: number;
  /**
   * Resolves after the commit. `refused`, for what can never be accepted (a bad seal), is not delivered again; a throw is,
   * after a delay. Must be idempotent, and not rely on the order.
   */
  readonly accept: (report: ReceivedReport) => Promise<'committed' | 'refused'>;
  readonly onError?: (error: unknown) => void;
}

export const INGEST_DURABLE = 'ow-ingest';

/** Each report goes to one of the replicas that run this, and to another when that one dies over it. */
export function consumeReports(engine: EngineLink, options: ConsumeReportsOptions): Running {
  const onError = options.onError ?? (() => {});
  return consumeDurable(engine, {
    stream: REPORT_STREAM,
    durable: options.durable ?? INGEST_DURABLE,
    concurrency: options.concurrency ?? 16,
    ackWaitMs: options.ackWaitMs ?? 30_000,
    onError,
    onMessage: (message) => take(message, options.accept, onError),
  });
}

async function take(
  message: JsMsg,
  accept: ConsumeReportsOptions['accept'],
  onError: (error: unknown) => void,
): Promise<void> {
  const { subject, data: frame } = message;
  const deliveries = message.info.deliveryCount;
  const node = parseReportSubject(subject);
  if (node === null) return message.term();
  try {
    const outcome = await accept({ ...node, subject, frame, deliveries, ...traceOf(message) });
    if (outcome === 'committed') message.ack();
    else message.term();
  } catch (error) {
    onError(error);
    message.nak(redeliveryDelay(deliveries));
  }
}
