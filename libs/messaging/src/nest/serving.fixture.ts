import { REPORT_STREAM, REPORT_WILDCARD, RpcOperation, type NodeName } from '@openward/contracts';
import type { ControlPlaneLink, EngineLink } from '../connect-control-plane.ts';
import type { Running } from '../durable.ts';
import { INGEST_DURABLE } from '../reports.ts';
import type { Answer } from '../rpc.ts';
import { parseReportSubject } from '../subjects.ts';
import type { FrameContext } from './frame-context.ts';
import type { FrameServer } from './frame-server.ts';
import { JetStreamServer, type JetStreamServerOptions } from './jetstream-server.ts';
import { NatsRpcServer, rpcPattern } from './rpc-server.ts';

// What serves in the control plane, with one function for its controllers.

export interface ReceivedReport extends NodeName {
  readonly subject: string;
  readonly frame: Uint8Array;
  readonly traceparent: string | null;
  readonly deliveries: number;
}

/** Answers every call. Resolves when the server knows of it. */
export async function serveCalls(
  rpc: ControlPlaneLink<'rpc'>,
  answer: (frame: Uint8Array) => Promise<Uint8Array | Answer>,
): Promise<Running> {
  const server = new NatsRpcServer({ rpc });
  for (const operation of RpcOperation) server.addHandler(rpcPattern(operation), answer);
  return listening(server);
}

/** A throw of `accept` has the report come again, `refused` never. */
export async function consumeReports(
  engine: EngineLink,
  accept: (report: ReceivedReport) => Promise<'committed' | 'refused'>,
  options: Partial<JetStreamServerOptions> = {},
): Promise<Running> {
  const server = new JetStreamServer({
    engine,
    stream: REPORT_STREAM,
    durable: INGEST_DURABLE,
    clock: { monotonic: () => performance.now() },
    ...options,
  });
  const take = (frame: Uint8Array, { subject, deliveries, traceparent }: FrameContext) => {
    const node = parseReportSubject(subject);
    if (node === null) throw new Error(`${subject} is no report's`);
    return accept({ ...node, subject, frame, deliveries, traceparent });
  };
  server.addHandler(REPORT_WILDCARD, take, true);
  return listening(server);
}

async function listening(server: FrameServer & { close(): Promise<void> }): Promise<Running> {
  await new Promise<void>((resolve, reject) => {
    server.listen((error?: unknown) => (error === undefined ? resolve() : reject(error as Error)));
  });
  return { stop: () => server.close() };
}
