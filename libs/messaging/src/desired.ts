import { DESIRED_STREAM, desiredSubject, type NodeName } from '@openward/contracts';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { EngineLink } from './connect-control-plane.ts';
import { traceHeaders, traceOf } from './trace.ts';

export interface DesiredFrame {
  readonly frame: Uint8Array;
  /** Of the bucket. It starts again when NATS lost everything, so nothing but the next put relies on it. */
  readonly revision: number;
  readonly traceparent?: string;
}

/** "Wrong last sequence", as servers before and after 2.11 call it. */
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164]);

/**
 * Replaces a node's desired state, if nobody has since `lastRevision` was seen (0: there was none). After a conflict, read
 * the newest outbox row and the bucket again (D3). A timeout says nothing: the put may have happened.
 */
export async function putDesired(
  engine: EngineLink,
  { site, node }: NodeName,
  frame: Uint8Array,
  lastRevision: number,
  options: { readonly traceparent?: string } = {},
): Promise<{ readonly revision: number } | { readonly conflict: true }> {
  await engine.whenConnected();
  const headers = traceHeaders(options.traceparent);
  try {
    const { seq } = await engine.js.publish(desiredSubject(site, node), frame, {
      expect: { lastSubjectSequence: lastRevision },
      ...(headers ? { headers } : {}),
    });
    return { revision: seq };
  } catch (error) {
    if (error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code)) return { conflict: true };
    throw error;
  }
}

/** What the bucket holds for a node, from the stream's leader. */
export async function readDesired(engine: EngineLink, { site, node }: NodeName): Promise<DesiredFrame | null> {
  await engine.whenConnected();
  const stored = await engine.jsm.streams.getMessage(DESIRED_STREAM, { last_by_subj: desiredSubject(site, node) });
  return stored && { frame: stored.data, revision: stored.seq, ...traceOf({ headers: stored.header }) };
}
