import { setTimeout as pause } from 'node:timers/promises';
import type { LiveEvent } from '@openward/contracts';
import { until, withDatabase } from '@openward/testkit';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { inTransaction } from './database.ts';
import { listen } from './listen.ts';
import { notify } from './notify.ts';
import { MIGRATED, openOn } from './testing-fixtures.ts';

it('hears what is committed and nothing else, and listens again when its connection breaks', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { db } = opened.persistence;
  const heard: LiveEvent[] = [];
  let listening = 0;
  const abort = new AbortController();
  const done = listen(
    {
      url: opened.url,
      timers: { sleep: async (ms, signal) => pause(ms, undefined, { ...(signal && { signal }) }) },
      onEvent: (event) => heard.push(event),
      onListening: () => (listening += 1),
      retryMs: 10,
    },
    abort.signal,
  );
  await until(() => listening === 1, { within: 10_000, what: 'the first connection' });

  const event = (id: string): LiveEvent => ({ type: 'rollout', id, version: 1 });
  const undone = inTransaction(db, async (trx) => {
    await notify(trx, [event('undone')]);
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  await sql`notify openward_events, 'not for us'`.execute(db);
  await inTransaction(db, (trx) => notify(trx, [event('one'), event('one'), event('two')]));
  await until(() => heard.length === 2, { within: 10_000, what: 'two events' });
  expect(heard).toEqual([event('one'), event('two')]);

  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like 'listen%'`.execute(db);
  await until(() => listening === 2, { within: 10_000, what: 'the second connection' });
  await notify(db, [event('three')]);
  await until(() => heard.length === 3, { within: 10_000, what: 'the third event' });
  abort.abort();
  await done;
});
