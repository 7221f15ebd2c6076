import type { LiveEvent } from '@openward/contracts';
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Told to all replicas when the transaction commits, and never if it does not; equal events of one transaction are told once. */
export const EVENTS_CHANNEL = 'openward_events';

export async function notify(db: Database, events: readonly LiveEvent[]): Promise<void> {
  if (events.length === 0) return;
  const texts = events.map((event) => JSON.stringify(event));
  await sql`select pg_notify(${EVENTS_CHANNEL}, text) from unnest(${texts}::text[]) as text`.execute(db);
}
