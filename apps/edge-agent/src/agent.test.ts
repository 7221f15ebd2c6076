import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@openward/observability';
import { openNodeDatabase, SqliteJournal } from '@openward/persistence/node';
import { generateSeed, signingKeyFromSeed } from '@openward/trust';
import { expect, test, vi } from 'vitest';
import { Agent } from './agent.ts';
import { readConfig } from './config.ts';
import { pathsOf } from './node/files.ts';
import { writeEnrolment } from './node/identity.ts';

const { read } = vi.hoisted(() => ({ read: { count: 0 } }));
vi.spyOn(SqliteJournal.prototype, 'read').mockImplementation(() => {
  read.count++;
  return Promise.resolve([]);
});

test('R2 a gateway port that is in use counts no restart: the journal is not even read', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'openward-agent-'));
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  writeFileSync(join(dir, 'agent.json'), JSON.stringify({ gateway: { port }, reserveBytes: 0, logLevel: 'silent' }));
  writeEnrolment(dir, {
    site: 'hillside',
    node: 'hillside-1',
    url: 'https://control.test',
    ca: '',
    keySet: { v: 1, serial: 1, keys: [signingKeyFromSeed(generateSeed()).publicKey] },
    nats: { urls: ['nats://127.0.0.1:1'], ca: null },
    credentials: { control: 'c', bulk: 'b', expiresAt: '2026-01-01T00:00:00.000Z', families: [] },
    enrolledAt: '2026-01-01T00:00:00.000Z',
  });
  const logger = createLogger({ name: 'edge-agent', level: 'silent' });
  await expect(Agent.start(readConfig(dir), logger)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(read.count).toBe(0);
  // What was opened for the start is closed again: another start can have it.
  openNodeDatabase(pathsOf(dir).database).close();
  await new Promise((resolve) => taken.close(resolve));
  rmSync(dir, { recursive: true });
});
