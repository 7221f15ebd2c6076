import type { NodeLink } from '@openward/messaging';
import { expect, test } from 'vitest';
import { createCalls } from './calls.ts';

test('a question that cannot leave is no row of the ledger', async () => {
  const rows: string[] = [];
  const calls = createCalls({
    link: {
      site: 'hillside',
      node: 'hillside-1',
      whenConnected: () => Promise.reject(new Error('no line')),
    } as unknown as NodeLink,
    gate: {
      report: () => Promise.resolve(1),
      request: (kind) => Promise.resolve(new Uint8Array(rows.push(kind))),
      countFrames: () => Promise.resolve(),
    },
    ids: { uuid: () => crypto.randomUUID(), nonce: () => Buffer.alloc(16).toString('base64url') },
    keySets: { keys: () => [], newer: () => Promise.reject(new Error('nobody asks')) },
    signal: new AbortController().signal,
  });
  await expect(calls.call('acked', { through: 1 })).rejects.toMatchObject({ failure: 'disconnected' });
  expect(rows).toEqual([]);
});
