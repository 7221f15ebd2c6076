import type { RolloutView } from '@openward/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, type Client, type Unreachable } from './index.ts';
import { PORTS, refuse, startServer, type TestServer } from './server.fixture.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const ID = 'ro-12345678';
const viewOf = (version: number, status: RolloutView['status'] = 'running') => ({
  id: ID,
  service: 'triage',
  release: { digest: DIGEST, number: 1 },
  planHash: DIGEST,
  status,
  wave: 0,
  pauses: [],
  waves: [],
  waits: [],
  nodes: [],
  startedAt: '2026-01-01T00:00:00Z',
  endedAt: null,
  startedBy: 'ada',
  awaited: 0,
  version,
});

let server: TestServer;
let client: Client;
afterEach(async () => {
  client.close();
  await server.close();
});

async function against(answer: Parameters<typeof startServer>[0]): Promise<void> {
  server = await startServer(answer);
  client = createClient({ url: server.url, token: 'a-token' }, PORTS);
}

const versionsOf = async (watched: AsyncGenerator<RolloutView>): Promise<number[]> => {
  const versions: number[] = [];
  for await (const { version } of watched) versions.push(version);
  return versions;
};

describe('a watch of a rollout', () => {
  it('reads again at each event, and ends with the rollout', async () => {
    let version = 1;
    await against(({ path }, response) => {
      if (!path.endsWith('/events')) return viewOf(version, version === 3 ? 'completed' : 'running');
      response.setHeader('content-type', 'text/event-stream');
      const tell = (): void => {
        version += 1;
        response.write(`event: rollout\ndata: ${JSON.stringify({ type: 'rollout', id: ID, version })}\n\n`);
        if (version < 3) setTimeout(tell, 30);
      };
      response.write(': alive\n\n');
      setTimeout(tell, 30);
      return undefined;
    });
    // It would take a minute without events.
    const versions = await versionsOf(client.rollouts.watch(ID, { pollMs: 60_000 }));
    expect(versions.at(-1)).toBe(3);
    expect(versions).toEqual([...new Set(versions)]);
  });

  it('goes on by itself where there are no events', async () => {
    let reads = 0;
    await against(({ path }, response) => {
      if (path.endsWith('/events')) return refuse(response, 404, '');
      reads += 1;
      return viewOf(reads < 3 ? 1 : 2, reads < 3 ? 'running' : 'rolledBack');
    });
    expect(await versionsOf(client.rollouts.watch(ID, { pollMs: 10 }))).toEqual([1, 2]);
  });

  it('waits for a control plane that is started again, and says so once', async () => {
    let reads = 0;
    await against(({ path }, response) => {
      if (path.endsWith('/events')) return refuse(response, 404, '');
      reads += 1;
      if (reads === 1) return viewOf(1);
      if (reads > 5) return viewOf(2, 'completed');
      response.socket?.resetAndDestroy();
      return undefined;
    });
    const told: (string | null)[] = [];
    const onLost = (error: Unreachable | null): void => void told.push(error?.name ?? null);
    expect(await versionsOf(client.rollouts.watch(ID, { pollMs: 10, onLost }))).toEqual([1, 2]);
    expect(told).toEqual(['Unreachable', null]);
  });

  it('gives up when its patience ends', async () => {
    await against((_asked, response) => {
      response.socket?.resetAndDestroy();
      return undefined;
    });
    await expect(versionsOf(client.rollouts.watch(ID, { pollMs: 5, patienceMs: 50 }))).rejects.toThrow('not answer');
  });

  it('ends when it is told to', async () => {
    await against(({ path }, response) => (path.endsWith('/events') ? refuse(response, 404, '') : viewOf(1)));
    const stop = new AbortController();
    const versions: number[] = [];
    for await (const { version } of client.rollouts.watch(ID, { pollMs: 60_000, signal: stop.signal })) {
      versions.push(version);
      stop.abort();
    }
    expect(versions).toEqual([1]);
  });
});
