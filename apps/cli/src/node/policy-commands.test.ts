import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { run } from '../terminal.fixture.ts';

const DAY = 86_400_000;
let folder: string;
let server: Server;
let asked: { readonly method: string; readonly path: string; readonly body: unknown }[];
let answer: unknown;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openward-policy-'));
  const socket = join(folder, 'agent.sock');
  writeFileSync(join(folder, 'socket'), socket);
  asked = [];
  answer = { done: true };
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      asked.push({
        method: request.method ?? '',
        path: request.url ?? '',
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      });
      response.setHeader('connection', 'close');
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const node = (...args: readonly string[]) => run(['node', ...args, '--data', folder]);

describe('what a site says of policies', () => {
  it.each([
    [['set', 'emergencyNumber', '0800 999'], { kind: 'setVariable', name: 'emergencyNumber', value: '0800 999' }],
    [['set', 'emergencyNumber', '--default'], { kind: 'setVariable', name: 'emergencyNumber', value: null }],
    [['record-number', 'MRN-[0-9]{6}'], { kind: 'setRecordNumber', pattern: 'MRN-[0-9]{6}' }],
    [['record-number', '--none'], { kind: 'setRecordNumber', pattern: null }],
    [['on-expiry', 'go-on'], { kind: 'setOnExpiry', choice: 'goOn' }],
    [['on-expiry', 'fallback'], { kind: 'setOnExpiry', choice: 'fallback' }],
  ])('policy %j is sent as %j', async (args, body) => {
    expect(await node('policy', ...args)).toMatchObject({ exitCode: EXIT.ok });
    expect(asked).toEqual([{ method: 'POST', path: '/policy', body }]);
  });

  it('a form of record numbers that takes a dose too is set, with a warning at once', async () => {
    const examples = [{ sentence: 'Amoxicillin 500 mg daily.', found: '500 mg' }];
    answer = { done: true, unread: [], alsoTakes: { sentences: 24, of: 435, examples } };
    const ran = await node('policy', 'record-number', '[0-9]{3} mg');
    expect(ran).toMatchObject({ exitCode: EXIT.ok });
    expect(ran.err).toContain('in 24 of 435 ordinary sentences:\n  “500 mg” in “Amoxicillin 500 mg daily.”');
    expect(ran.out).toContain('It holds from now on.');
  });

  it.each([
    [['policy', 'set', 'emergencyNumber']],
    [['policy', 'set', 'emergencyNumber', '112', '--default']],
    [['policy', 'record-number']],
    [['policy', 'record-number', ' ']],
    [['policy', 'on-expiry', 'stop']],
    [['shadow', 'start', 'triage', '--until', '+7d']],
    [['shadow', 'start', 'triage', '--by', 'Dr Osei']],
    [['shadow', 'start', 'triage', '--until', 'soon', '--by', 'Dr Osei']],
  ])('%j says too little or too much, and nothing is sent', async (args) => {
    expect(await node(...args)).toMatchObject({ exitCode: EXIT.usage });
    expect(asked).toEqual([]);
  });

  it('a shadow has a name and an end; a day alone is meant whole', async () => {
    const day = new Date(Date.now() + 3 * DAY).toISOString().slice(0, 10);
    answer = {
      service: 'triage',
      release: `sha256:${'0'.repeat(64)}`,
      number: 4,
      policy: { id: 'ward', revision: 2 },
      by: 'Dr Osei',
      startedAt: 1,
      until: 2,
      ended: null,
    };
    const started = await node('shadow', 'start', 'triage', '--until', day, '--by', 'Dr Osei', '--release', '4');
    expect(started.out).toContain('ward@2');
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/policy/shadows',
        body: { service: 'triage', until: Date.parse(`${day}T23:59:59.999Z`), by: 'Dr Osei', release: 4 },
      },
    ]);
  });

  it('a command below another that has the same options is told them', async () => {
    answer = { code: 'notWaiting', message: 'Nothing waits.', next: 'See offers.' };
    await node('offers', 'show', 'triage', '--json');
    await node('disclosures', 'acknowledge', '--reason', 'restored');
    expect(asked).toMatchObject([{ path: '/offers/triage' }, { path: '/commands' }]);
  });
});
