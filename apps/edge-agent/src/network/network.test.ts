import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, type LedgerHead, type Log } from '@openward/contracts';
import type { LinkEvent, NodeLink } from '@openward/messaging';
import { openNodeDatabase, SqliteLedger } from '@openward/persistence/node';
import { createBell, type DisclosureGate } from '@openward/privacy';
import { generateSeed, sealDocument, signingKeyFromSeed } from '@openward/trust';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readConfig } from '../config.ts';
import { ensureKeys, readEnrolment, type Enrolment } from '../node/identity.ts';
import { Network, type Line } from './network.ts';
import type { Session } from './session.ts';

const network = signingKeyFromSeed(generateSeed());
const HOUR = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const credentials = (jwt: string, ms: number) => ({
  control: jwt,
  bulk: jwt,
  expiresAt: new Date(START + ms).toISOString(),
  families: [],
});

let dir: string;
let running: Network | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openward-network-'));
});
afterEach(async () => {
  await running?.stop();
  running = null;
  rmSync(dir, { recursive: true });
});

/** A node, a server that takes one JWT only, and a control plane that says hello. Short waits pass at once, long ones never. */
function world(options: {
  readonly held: ReturnType<typeof credentials>;
  readonly taken?: string;
  readonly accepted?: { readonly ledger: LedgerHead | null; readonly newestSeq: number; readonly ackedThrough: number };
  readonly line?: Partial<Line>;
}) {
  const ledger = new SqliteLedger(openNodeDatabase(':memory:'));
  const asked: string[] = [];
  const warned: string[] = [];
  let now = START;
  const enrolment: Enrolment = {
    site: 'hillside',
    node: 'hillside-1',
    url: 'https://control.test',
    ca: '',
    keySet: { v: 1, serial: 1, keys: [network.publicKey] },
    nats: { urls: ['nats://nats.test'], ca: null },
    credentials: options.held,
    enrolledAt: new Date(START).toISOString(),
  };
  const accepted = options.accepted ?? { ledger: null, newestSeq: 0, ackedThrough: 0 };
  const link = (kind: 'control' | 'bulk') =>
    ({
      site: 'hillside',
      node: 'hillside-1',
      kind,
      isConnected: true,
      whenConnected: () => Promise.resolve(),
      onEvent: () => () => undefined,
      renew: () => Promise.resolve(),
      close: () => Promise.resolve(),
      request: (subject: string, payload: Uint8Array) => {
        const { nonce } = JSON.parse(Buffer.from(payload).toString()) as { nonce: string };
        const reply = { v: 1, nonce, now: new Date(now).toISOString(), ...accepted };
        return Promise.resolve({ data: sealDocument(subject, reply, network) });
      },
    }) as unknown as NodeLink;
  const gate: DisclosureGate = {
    report: () => Promise.resolve(1),
    request: (kind, _subject, payload) => {
      asked.push(kind);
      return Promise.resolve(Buffer.from(JSON.stringify(payload)));
    },
    countFrames: () => Promise.resolve(),
  };
  const log: Log = { info: () => {}, warn: (event) => warned.push(event), error: (event) => warned.push(event) };
  const timers = {
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        if (ms > HOUR) return;
        setImmediate(() => {
          now += ms;
          resolve();
        });
      }),
  };
  const line: Line = {
    open: async (given): Promise<Session> => {
      while (given.enrolment().credentials.control !== (options.taken ?? options.held.control)) {
        const refused: LinkEvent = { type: 'refused', error: new Error('Authorization Violation') };
        given.onEvent('control', refused);
        await timers.sleep(2000, given.signal);
      }
      return {
        control: link('control'),
        bulk: link('bulk'),
        enrolment: given.enrolment,
        adopt: (renewed) => Promise.resolve(given.keep(renewed)),
        reaches: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
    },
    keySets: () => Promise.resolve([]),
    follow: (_session, _log, _take, _keySets, signal) => timers.sleep(Infinity, signal),
    overHttps: () => Promise.reject(new Error('nobody answers')),
    ...options.line,
  };
  running = new Network({
    config: readConfig(dir),
    keys: ensureKeys(dir),
    enrolment,
    ports: {
      clock: { monotonic: () => now - START, wall: () => now },
      timers,
      random: { bytes: (length) => new Uint8Array(length).fill(128) },
      ids: { uuid: () => crypto.randomUUID(), nonce: () => Buffer.alloc(16, asked.length).toString('base64url') },
      log,
      store: ledger,
    },
    gate,
    bell: createBell(),
    ledger,
    boot: crypto.randomUUID(),
    onSent: () => undefined,
    onDesired: () => undefined,
    isUp: () => undefined,
    line,
  });
  running.start();
  return { node: running, ledger, asked, warned };
}

const inTime = () => AbortSignal.timeout(5000);

test('K3 credentials that expire before the first connection stands are renewed over HTTPS, and kept on the disk', async () => {
  // Alive at the start; the line comes back when they are not.
  const { node } = world({
    held: credentials('old', 60_000),
    taken: 'new',
    line: { overHttps: () => Promise.resolve(credentials('new', 100 * HOUR)) },
  });
  await node.online(inTime());
  expect(node.enrolment.credentials.control).toBe('new');
  expect(readEnrolment(dir)?.credentials.control).toBe('new');
});

test('K3 a server that refuses is believed before a clock that runs behind', async () => {
  const { node } = world({
    held: credentials('old', 100 * HOUR),
    taken: 'new',
    line: { overHttps: () => Promise.resolve(credentials('new', 200 * HOUR)) },
  });
  await node.online(inTime());
  expect(node.enrolment.credentials.control).toBe('new');
});

test('an error that nobody foresaw ends one session, and the next one is opened', async () => {
  let followed = 0;
  const { node, warned } = world({
    held: credentials('held', 100 * HOUR),
    line: {
      follow: (_session, _log, _take, _keySets, signal) =>
        followed++ === 0
          ? Promise.reject(new Error('the disk is full'))
          : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    },
  });
  await vi.waitFor(() => expect(followed).toBe(2), { timeout: 5000 });
  await node.online(inTime());
  expect(warned).toContain('network.sessionEnded');
});

test('P8 a restored ledger sends nothing, not even a permit, until a person acknowledges; then reports go on above the newest', async () => {
  const accepted = { ledger: { seq: 9, head: digestOf('lost') }, newestSeq: 7, ackedThrough: 7 };
  const { node, ledger, asked } = world({ held: credentials('held', 100 * HOUR), accepted });
  let isOnline = false;
  const online = node.online(inTime()).then(() => (isOnline = true));
  await vi.waitFor(() => expect(node.ledgerAlarm).toBe('behind'), { timeout: 5000 });
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect({ isOnline, maySend: node.maySend, asked }).toEqual({ isOnline: false, maySend: false, asked: ['hello'] });

  expect(node.acknowledgeLedger('the virtual machine was restored')).toBe('done');
  await online;
  expect(await ledger.newestReport()).toBe(7);
  expect(node.maySend).toBe(true);
  expect(node.acknowledgeLedger('again')).toBe('noAlarm');
  expect(ledger.isRestoreAcknowledged(accepted.ledger)).toBe(true);
});
