import { generateSigningKey } from '@openward/trust';
import type { LedgerHead } from '@openward/contracts';
import { expect, test } from 'vitest';
import { createDisclosureGate } from './disclosure-gate.driver.ts';
import { EMPTY_LEDGER, firstBrokenRow, type LedgerRow } from './ledger.ts';
import { createBell, runOutbox } from './outbox.driver.ts';
import type { PrivacyPorts, ReportTransport } from './ports.ts';

function world() {
  const rows: LedgerRow[] = [];
  const queue = new Map<number, Uint8Array>();
  let newest = 0;
  const head = (): LedgerHead => rows.at(-1) ?? EMPTY_LEDGER;
  const ports: PrivacyPorts = {
    clock: { monotonic: () => 0, wall: () => 0 },
    timers: { sleep: () => Promise.resolve() },
    ids: { uuid: () => '', nonce: () => '' },
    log: { info() {}, warn() {}, error() {} },
    store: {
      head: async () => ({ seq: head().seq, head: head().head }),
      append: async (row) => void rows.push(row),
      appendReport: async (row, seq) => {
        rows.push(row);
        queue.set(seq, row.bytes);
        newest = seq;
      },
      newestReport: async () => newest,
      queued: async (limit) => [...queue].slice(0, limit).map(([seq, frame]) => ({ seq, frame })),
      acknowledge: async (through) => {
        for (const seq of queue.keys()) if (seq <= through) queue.delete(seq);
      },
    },
  };
  const gate = createDisclosureGate(ports, {
    site: 'a',
    node: 'n',
    boot: '00000000-0000-4000-8000-000000000000',
    identity: generateSigningKey(),
    reportSubject: 'ow.v1.rpt.a.n',
  });
  return { ports, gate, rows, queue };
}

const state = {
  type: 'state',
  agentVersion: '0.1.0',
  protocol: 1,
  generation: null,
  class: {
    threads: 1,
    memoryGiB: 1,
    diskGiB: 256,
    diskFreePercent: 50,
    runtime: 'llamaCpp',
    runtimeServers: 1,
    runtimeVersion: '3.21.1',
    runtimeSafe: 'safe',
  },
  uptimeHours: 0,
  services: [],
  suites: [],
} as const;

test('P1 a report is a row of the ledger before anything can send it, and P6 is padded to 1 KiB', async () => {
  const { gate, rows, queue } = world();
  await Promise.all([gate.report(state as never), gate.report(state as never), gate.request('permit', 's', { a: 1 })]);
  expect(rows.map((row) => row.kind)).toEqual(['state', 'state', 'permit']);
  expect([...queue.keys()]).toEqual([1, 2]);
  expect(firstBrokenRow(rows)).toBeNull();
  expect((rows[0]!.bytes.length - 108) % 1024).toBe(0);
});

test('P1 a field that the schema does not name never leaves', async () => {
  const { gate, rows } = world();
  await expect(gate.report({ ...state, note: 'patient text' } as never)).rejects.toThrow('note');
  expect(rows).toEqual([]);
  await gate.report(state as never);
  expect(rows).toHaveLength(1);
});

test('D4 a report is dropped only when the network has committed it, whatever fails on the way', async () => {
  const { ports, gate, queue, rows } = world();
  for (let n = 0; n < 5; n++) await gate.report(state as never);
  const stop = new AbortController();
  const committed = new Set<number>();
  let calls = 0;
  const transport: ReportTransport = {
    connected: async () => undefined,
    publish: async (_, seq) => {
      calls += 1;
      if (calls % 3 === 0) throw new Error('not stored');
      committed.add(seq);
      if (calls % 4 === 0) throw new Error('stored all the same');
    },
    acked: async () => {
      let through = 0;
      while (committed.has(through + 1)) through += 1;
      if (through === 5) stop.abort();
      return { v: 1, nonce: '', ackedThrough: through };
    },
  };
  await runOutbox(ports, transport, createBell(), stop.signal).catch(() => undefined);
  expect([...committed].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  expect(queue.size).toBe(0);
  expect(rows).toHaveLength(5);
});
