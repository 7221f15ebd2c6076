import { API, LiveEvent, type RolloutId } from '@openward/contracts';
import { createParser } from 'eventsource-parser';
import type { Transport } from './transport.ts';

export interface WatchEvents {
  /** Of this rollout alone; of everything where it is not given. */
  readonly rollout?: RolloutId;
  readonly signal?: AbortSignal;
  /** Called when the control plane has taken the subscription: what is read from then on misses nothing. */
  readonly onOpen?: () => void;
}

/** One connection's events. Ends when the connection ends; an event in a form that is not known is passed over. */
export async function* watchEvents(
  transport: Transport,
  { rollout, signal, onOpen }: WatchEvents = {},
): AsyncGenerator<LiveEvent> {
  const path = rollout === undefined ? `${API}/events` : `${API}/rollouts/${encodeURIComponent(rollout)}/events`;
  const stream = await transport.open(path, 'text/event-stream', signal);
  onOpen?.();
  const waiting: LiveEvent[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      const event = LiveEvent.safeParse(jsonOf(data));
      if (event.success) waiting.push(event.data);
    },
  });
  try {
    for await (const part of stream.setEncoding('utf8')) {
      parser.feed(part as string);
      yield* waiting.splice(0);
    }
  } catch (error) {
    // The other end went away, or the caller did: for one who watches, both are the end of this connection.
    if (!isBreak(error, signal)) throw error;
  } finally {
    stream.destroy();
  }
}

const BREAKS = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'ETIMEDOUT']);
const isBreak = (error: unknown, signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true || BREAKS.has((error as NodeJS.ErrnoException).code ?? '');

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
