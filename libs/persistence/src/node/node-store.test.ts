import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@openward/contracts';
import type { DataCard, SiteRecord } from '@openward/evaluation';
import { firstBrokenRow, nextRow } from '@openward/privacy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SqliteApiKeys } from './api-keys.ts';
import { openNodeDatabase } from './database.ts';
import { SqliteDataSets, SqliteJudgements, SqliteResults } from './evaluation-store.ts';
import { SqliteJournal } from './journal.ts';
import { SqliteLedger } from './ledger-store.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openward-node-'));
  path = join(dir, 'node.db');
});
afterEach(() => rmSync(dir, { recursive: true }));

test('the journal keeps a prefix: what was synced is there after a crash, what was not is gone', async () => {
  const first = openNodeDatabase(path);
  const journal = new SqliteJournal<{ kind: string; n: number }>(first);
  await journal.append({ kind: 'a', n: 1 });
  await journal.append({ kind: 'a', n: 2 });
  await journal.sync();
  await journal.append({ kind: 'a', n: 3 });
  // A second handle sees what a restart would.
  expect(await new SqliteJournal(openNodeDatabase(path)).read()).toEqual([
    { kind: 'a', n: 1 },
    { kind: 'a', n: 2 },
  ]);
  await journal.append({ kind: 'checkpoint', n: 4 });
  await journal.sync();
  expect(await journal.read()).toEqual([{ kind: 'checkpoint', n: 4 }]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('P1 a report and its row are written together, the chain holds after a restart, and D4 the sequence runs on', async () => {
  const ledger = new SqliteLedger(openNodeDatabase(path));
  for (let seq = 1; seq <= 3; seq++)
    await ledger.appendReport(
      nextRow(await ledger.head(), { kind: 'state', subject: 's', bytes: Buffer.from([seq]), at: seq }),
      seq,
    );
  await ledger.acknowledge(2);
  const again = new SqliteLedger(openNodeDatabase(path));
  expect((await again.queued(10)).map(({ seq }) => seq)).toEqual([3]);
  await again.acknowledge(3);
  expect(await again.newestReport()).toBe(3);
  expect(firstBrokenRow(again.rows(0, 10))).toBeNull();
  expect(again.countByKind()).toEqual({ state: { rows: 3, bytes: 3 } });
});

test('E4 an outcome that is kept is kept once, under everything that could change it', async () => {
  const results = new SqliteResults(openNodeDatabase(path));
  const key = { release: 'r', variant: 'v', data: 'd', suite: 's', runtimeVersion: '1', terms: 't', pass: 'first' };
  await results.keep(key, 'item-1', 'right');
  await results.keep(key, 'item-1', 'wrong');
  expect(await results.kept(key)).toEqual([['item-1', 'right']]);
  expect(await results.kept({ ...key, runtimeVersion: '2' })).toEqual([]);
});

test('a revoked API key opens nothing, at once', () => {
  const keys = new SqliteApiKeys(openNodeDatabase(path));
  keys.add('k1', 'digest', 'ward app', 1);
  expect(keys.idOf('digest')).toBe('k1');
  expect(keys.revoke('k1', 2)).toBe(true);
  expect(keys.idOf('digest')).toBeNull();
  expect(keys.revoke('k1', 3)).toBe(false);
});

test('V2 a store that a newer agent wrote is not opened', () => {
  openNodeDatabase(path).exec('PRAGMA user_version = 999');
  expect(() => openNodeDatabase(path)).toThrow('newer agent');
});

test('P8 an acknowledged restore raises the reports, and never lowers them', () => {
  const ledger = new SqliteLedger(openNodeDatabase(path));
  const accepted = { seq: 9, head: digestOf('lost') };
  expect(ledger.isRestoreAcknowledged(accepted)).toBe(false);
  ledger.acknowledgeRestore({ alarm: 'behind', reason: 'restored', accepted, raisedTo: 7, at: 1 });
  ledger.raiseReports(3);
  const again = new SqliteLedger(openNodeDatabase(path));
  expect(again.isRestoreAcknowledged(accepted)).toBe(true);
  expect(again.isRestoreAcknowledged({ ...accepted, seq: 10 })).toBe(false);
  return expect(again.newestReport()).resolves.toBe(7);
});

/** A store that holds no more than it holds now, and what is in reserve for it, in pages. */
function fullStore(reserve: number): { database: ReturnType<typeof openNodeDatabase>; given: () => number } {
  let given = 0;
  const pages = (): number => Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  const database = openNodeDatabase(path, () => {
    if (given > 0) return false;
    given++;
    database.exec(`PRAGMA max_page_count = ${pages() + reserve}`);
    return true;
  });
  database.exec(`PRAGMA max_page_count = ${pages()}`);
  return { database, given: () => given };
}
const long = 'x'.repeat(9000);

test('N7 a full disk has its reserve given up, and journal and report are written all the same, once', async () => {
  const { database, given } = fullStore(100);
  const journal = new SqliteJournal<{ kind: string; n: number; long: string }>(database);
  await journal.append({ kind: 'a', n: 1, long });
  await journal.append({ kind: 'a', n: 2, long });
  await journal.sync();
  expect(given()).toBe(1);
  const ledger = new SqliteLedger(database);
  const row = { kind: 'state', subject: 's', bytes: Buffer.from(long), at: 1 } as const;
  await ledger.appendReport(nextRow(await ledger.head(), row), 1);
  const again = openNodeDatabase(path);
  expect((await new SqliteJournal<{ kind: string; n: number }>(again).read()).map(({ n }) => n)).toEqual([1, 2]);
  expect((await new SqliteLedger(again).queued(10)).map(({ seq }) => seq)).toEqual([1]);
  expect(given()).toBe(1);
});

test('N7 where nothing is left in reserve the write fails as what it is, and nothing of it stays', async () => {
  const { database, given } = fullStore(0);
  const journal = new SqliteJournal<{ kind: string; n: number; long: string }>(database);
  await journal.append({ kind: 'a', n: 1, long });
  await expect(async () => journal.sync()).rejects.toThrow('database or disk is full');
  expect(given()).toBe(1);
  expect(await new SqliteJournal(openNodeDatabase(path)).read()).toEqual([]);
  expect(database.isTransaction).toBe(false);
});

const aDataSet = (name: string, data: string) => ({
  name,
  data,
  card: { service: 'triage' } as DataCard,
  records: [{ id: `${data}-1` } as SiteRecord],
  fingerprints: new Map([[`${data}-1`, 'f']]),
  salt: Uint8Array.of(1),
  addedAt: 1,
});

test('E4 E6 with the records of a version go the answers to them, and no judgement and no verdict', async () => {
  const database = openNodeDatabase(path);
  const sets = new SqliteDataSets(database);
  const results = new SqliteResults(database);
  const judgements = new SqliteJudgements(database);
  const key = (data: string) => ({
    release: 'r',
    variant: 'v',
    data,
    suite: 's',
    runtimeVersion: '1',
    terms: 't',
    pass: 'first',
  });
  sets.add(aDataSet('ward', 'd1'));
  sets.add(aDataSet('clinic', 'd1'));
  sets.add(aDataSet('ward', 'd2'));
  for (const data of ['d1', 'd2', 'suite']) await results.keep(key(data), 'item', 'right');
  const verdict = { dataSet: 'ward', data: 'd2', suite: 's', release: 'r', under: 'u', at: 1, evidence: null as never };
  judgements.keep('d2', { verdict: 'pass' }, {}, verdict, 1);

  sets.add(aDataSet('ward', 'd3'));
  expect(await results.kept(key('d2'))).toEqual([]);
  expect(await results.kept(key('d1')), 'another data set still has these records').toHaveLength(1);
  expect(await results.kept(key('suite')), 'of bundled items').toHaveLength(1);
  expect(judgements.find('d2')).not.toBeNull();
  expect(judgements.verdicts()).toHaveLength(1);

  // An evaluation that still runs on what was replaced.
  await results.keep(key('d2'), 'late', 'right');
  expect(await results.kept(key('d2'))).toEqual([]);
  sets.add(aDataSet('ward', 'd2'));
  await results.keep(key('d2'), 'item', 'right');
  expect(await results.kept(key('d2')), 'the same records, added once more').toHaveLength(1);
});

test('E6 a store of an older agent loses the answers to records that it no longer has', async () => {
  const first = openNodeDatabase(path);
  const sets = new SqliteDataSets(first);
  sets.add(aDataSet('ward', 'd1'));
  sets.add(aDataSet('ward', 'd2'));
  const insert = first.prepare(`INSERT INTO results (key, item, outcome, data) VALUES (?, 'item', 'right', ?)`);
  for (const data of ['d1', 'd2', 'suite']) insert.run(data, data);
  first.exec('ALTER TABLE verdicts DROP COLUMN under; PRAGMA user_version = 4');
  first.close();
  const kept = openNodeDatabase(path).prepare('SELECT data FROM results ORDER BY data').all();
  expect(kept.map(({ data }) => data)).toEqual(['d2', 'suite']);
});
