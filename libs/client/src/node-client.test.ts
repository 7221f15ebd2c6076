import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeClient } from './index.ts';
import { refuse, startServer, type TestServer } from './server.fixture.ts';

let folder: string;
let server: TestServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openward-node-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function agent(answer: Parameters<typeof startServer>[0]): Promise<ReturnType<typeof createNodeClient>> {
  const socket = join(folder, 'somewhere.sock');
  writeFileSync(join(folder, 'socket'), socket);
  server = await startServer(answer, socket);
  return createNodeClient(folder);
}

describe('the client of a node', () => {
  it('finds the socket by the file that names it (N5)', async () => {
    const node = await agent(() => ({ kinds: { state: { rows: 2, bytes: 10 } } }));
    expect(await node.summary()).toEqual({ state: { rows: 2, bytes: 10 } });
    node.close();
  });

  it('sends a command as it is, and takes a refusal', async () => {
    const body = { code: 'notWaiting', message: 'Nothing waits.', next: 'See offers.' };
    const node = await agent((_asked, response) => refuse(response, 409, body));
    const command = { kind: 'accept', service: 'triage', assignment: 'as-1', question: 'prepare' } as const;
    await expect(node.command(command)).rejects.toMatchObject(body);
    expect(JSON.parse(server?.asked[0]?.body.toString() ?? '')).toEqual(command);
    node.close();
  });

  it('tells a folder that is no node’s from an agent that does not run', async () => {
    expect(() => createNodeClient(folder)).toThrow('not the data folder of an enrolled node');
    writeFileSync(join(folder, 'enrolment.json'), '{}');
    expect(() => createNodeClient(folder)).toThrow('No agent has run');
    writeFileSync(join(folder, 'socket'), join(folder, 'gone.sock'));
    const node = createNodeClient(folder);
    await expect(node.offers()).rejects.toThrow('does not answer');
    node.close();
  });
});
