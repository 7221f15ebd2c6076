import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@openward/contracts';
import { firstBrokenRow, nextRow } from '@openward/privacy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SqliteApiKeys } from './api-keys.ts';
import { openNodeDatabase } from './database.ts';
import { SqliteResults } from './evaluation-store.ts';
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
  const key = { release: 'r', variant: 'v', data: 'd', suite: 's', runtimeVersion: '1', pass: 'first' };
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
