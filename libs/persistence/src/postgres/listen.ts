import { LiveEvent, type Timers } from '@openward/contracts';
import pg from 'pg';
import { EVENTS_CHANNEL } from './notify.ts';

export interface ListenOptions {
  readonly url: string;
  readonly timers: Timers;
  readonly onEvent: (event: LiveEvent) => void;
  /** It hears now. Called at first and after each break, in which events may have passed unheard: read again what you show. */
  readonly onListening?: () => void;
  readonly onError?: (error: unknown) => void;
  readonly retryMs?: number;
}

/** Hears what all replicas commit, over a connection of its own that is made again when it breaks, until the signal aborts. */
export async function listen(options: ListenOptions, signal: AbortSignal): Promise<void> {
  const onError = options.onError ?? (() => {});
  while (!signal.aborted) {
    try {
      await hearUntilBroken(options, signal);
    } catch (error) {
      onError(error);
    }
    if (signal.aborted) return;
    await options.timers.sleep(options.retryMs ?? 500, signal).catch(() => {});
  }
}

async function hearUntilBroken(options: ListenOptions, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString: options.url, keepAlive: true, connectionTimeoutMillis: 10_000 });
  const broken = new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    client.on('end', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  broken.catch(() => {});
  client.on('notification', ({ payload }) => {
    const event = parse(payload);
    if (event !== null) options.onEvent(event);
  });
  try {
    await client.connect();
    await client.query(`listen ${EVENTS_CHANNEL}`);
    options.onListening?.();
    await broken;
  } finally {
    // Its connection is gone as often as not; why it broke is told by then.
    await client.end().catch(() => {});
  }
}

/** A newer replica may tell what this one does not know. */
function parse(payload: string | undefined): LiveEvent | null {
  try {
    const parsed = LiveEvent.safeParse(JSON.parse(payload ?? ''));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
