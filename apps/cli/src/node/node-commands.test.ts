import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { run } from '../terminal.fixture.ts';

let folder: string;
let server: Server;
let asked: { path: string; body: string }[];
let answer: (path: string) => unknown;

// An agent's socket that answers what a test says; the agent's own side has tests of its own.
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openward-cli-'));
  const socket = join(folder, 'agent.sock');
  writeFileSync(join(folder, 'socket'), socket);
  asked = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      asked.push({ path: request.url ?? '', body });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(request.url ?? '')));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const node = (...args: string[]) => run(['node', ...args], { OPENWARD_NODE_DATA: folder });
const release = `sha256:${'1'.repeat(64)}`;

it('names the release that a site’s own rollback goes to (N5)', async () => {
  answer = () => ({ done: true, serves: { release, number: 3 } });
  const ran = await node('rollback', 'triage');
  expect(ran).toMatchObject({
    exitCode: EXIT.ok,
    out: 'triage: gone back, and pinned; release 3 is what it goes back to.\n',
  });
});

it('shows the newest rows of the ledger where a limit is given, and the next ones after a sequence', async () => {
  const row = (seq: number) => ({ seq, kind: 'report', subject: 's', bytes: '', at: 0, head: release });
  answer = (path) => {
    const query = new URL(path, 'http://node').searchParams;
    const after = Number(query.get('after'));
    const items = [1, 2, 3, 4, 5].filter((seq) => seq > after).slice(0, Number(query.get('limit') ?? 100));
    return { items: items.map(row), next: items.length < 5 - after ? items.at(-1) : null, newest: 5 };
  };
  const seqs = async (...args: string[]): Promise<number[]> =>
    (JSON.parse((await node('disclosures', '--json', ...args)).out) as { seq: number }[]).map(({ seq }) => seq);
  expect(await seqs('--limit', '2')).toEqual([4, 5]);
  expect(await seqs('--after', '1', '--limit', '2')).toEqual([2, 3]);
  expect(await seqs()).toEqual([1, 2, 3, 4, 5]);
});

it('acknowledges a restored ledger with a reason, and not without one (P8)', async () => {
  answer = () => ({ done: true, serves: null });
  expect(await node('disclosures', 'acknowledge')).toMatchObject({ exitCode: EXIT.usage });
  expect(asked).toEqual([]);
  const ran = await node('disclosures', 'acknowledge', '--reason', 'the machine was restored');
  expect(ran).toMatchObject({ exitCode: EXIT.ok });
  const body = { kind: 'acknowledgeLedger', reason: 'the machine was restored' };
  expect(asked).toEqual([{ path: '/commands', body: JSON.stringify(body) }]);
});
