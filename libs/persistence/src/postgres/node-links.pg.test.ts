import { withDatabase } from '@openward/testkit';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MIGRATED, openOn, putNode, type OpenPersistence } from './testing-fixtures.ts';

let opened: OpenPersistence;
beforeEach(async () => {
  opened = openOn(await withDatabase(MIGRATED));
  for (const node of ['a', 'b', 'c']) await putNode(opened.persistence.db, { site: 's1', node });
});
afterEach(() => opened[Symbol.asyncDispose]());

const links = async (): Promise<Record<string, boolean | null>> => {
  const { items } = await opened.persistence.nodes.list({ limit: 10 });
  return Object.fromEntries(items.map(({ name, link }) => [name, link?.connected ?? null]));
};
const age = (ms: number) =>
  sql`update network_state set links_seen_at = clock_timestamp() - make_interval(secs => ${ms / 1000}::float8)`.execute(
    opened.persistence.db,
  );

it('says who is connected, who is gone, and of whoever was never seen that it does not know', async () => {
  const { nodeLinks } = opened.persistence;
  await nodeLinks.saw({ connected: ['a', 'b', 'no-node'], before: null });
  // One look alone says nothing yet.
  expect(await links()).toEqual({ a: null, b: null, c: null });
  await nodeLinks.saw({ connected: ['a'], before: ['a', 'b'] });
  expect(await links()).toEqual({ a: true, b: true, c: null });
  await nodeLinks.saw({ connected: ['a'], before: ['a'] });
  expect(await links()).toEqual({ a: true, b: false, c: null });
  expect([...(await nodeLinks.outOfReach()).keys()]).toEqual(['b']);
});

it('keeps since when it is so, whichever replica sees it again (R9)', async () => {
  const replica = opened.replica();
  for (let look = 0; look < 2; look++) await opened.persistence.nodeLinks.saw({ connected: ['a'], before: ['a', 'b'] });
  await opened.persistence.nodeLinks.saw({ connected: ['a', 'b'], before: ['a'] });
  await opened.persistence.nodeLinks.saw({ connected: ['a'], before: ['a'] });
  const since = (await opened.persistence.nodeLinks.outOfReach()).get('b');
  const connectedSince = (await opened.persistence.nodes.view('a'))?.link?.since;
  await replica.nodeLinks.saw({ connected: ['a'], before: ['a'] });
  expect((await replica.nodeLinks.outOfReach()).get('b')).toBe(since);
  expect((await replica.nodes.view('a'))?.link?.since).toBe(connectedSince);
});

it('knows nothing any more when nobody has looked for a minute', async () => {
  const { nodeLinks } = opened.persistence;
  await nodeLinks.saw({ connected: ['a', 'b'], before: [] });
  await nodeLinks.saw({ connected: ['a'], before: ['a'] });
  await age(61_000);
  expect(await links()).toEqual({ a: null, b: null, c: null });
  expect(await nodeLinks.outOfReach()).toEqual(new Map());
});

it('does not say that a node is gone which reports on, as behind a leaf node of its site', async () => {
  const { nodeLinks, db } = opened.persistence;
  await nodeLinks.saw({ connected: ['a', 'b'], before: [] });
  await nodeLinks.saw({ connected: [], before: [] });
  const reported = (node: string, after: string) =>
    sql`insert into node_states (node, boot, seq, stored_at, body)
      select node, 'x', 1, since + ${after}::interval, '{"services":[],"suites":[]}' from node_links where node = ${node}`.execute(
      db,
    );
  await reported('a', '2 minutes');
  // This one was under way when the line broke.
  await reported('b', '1 second');
  expect(await links()).toEqual({ a: null, b: false, c: null });
  expect([...(await nodeLinks.outOfReach()).keys()]).toEqual(['b']);
});

it('names no revoked node as out of reach', async () => {
  const { nodeLinks, nodes } = opened.persistence;
  await nodeLinks.saw({ connected: ['a'], before: [] });
  await nodes.revoke('a', 'test', 'gone for good');
  await nodeLinks.saw({ connected: [], before: [] });
  expect(await nodeLinks.outOfReach()).toEqual(new Map());
});
