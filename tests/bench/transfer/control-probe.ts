import { connect } from '@nats-io/transport-node';
import { CONTROL_STREAM, CONTROL_SUBJECT } from './place.ts';

const TIMEOUT_MS = 30_000;

export interface ControlProbe {
  /** Round trips since the last call, in milliseconds. */
  take(): number[];
  close(): Promise<void>;
}

/**
 * Reads a small message over a connection of its own, again and again, as a node reads its desired state. It runs in the
 * process that transfers, as in the agent, so that what blocks that process is seen too.
 */
export async function startControlProbe(url: string, everyMs: number): Promise<ControlProbe> {
  const connection = await connect({ servers: url });
  let seen: number[] = [];
  const under = new Set<Promise<void>>();
  const ask = async (): Promise<void> => {
    const began = performance.now();
    await connection.request(`$JS.API.DIRECT.GET.${CONTROL_STREAM}.${CONTROL_SUBJECT}`, '', { timeout: TIMEOUT_MS });
    seen.push(performance.now() - began);
  };
  // One does not wait for the one before: while the line is full, it is asked as often as while it is empty.
  const timer = setInterval(() => {
    const asked: Promise<void> = ask().finally(() => under.delete(asked));
    under.add(asked);
  }, everyMs);
  return {
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    async close() {
      clearInterval(timer);
      await Promise.all(under);
      await connection.close();
    },
  };
}
