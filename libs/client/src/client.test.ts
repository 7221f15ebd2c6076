import { API } from '@openward/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, eachOf, RemoteRefusal, UnknownReply, Unreachable, type Client } from './index.ts';
import { PORTS, refuse, startServer, type TestServer } from './server.fixture.ts';

const SITE = {
  name: 'north',
  tier: 'district',
  labels: {},
  languages: ['en'],
  timeZone: 'UTC',
  linkBytesPerSecond: null,
  nodes: 0,
  createdAt: '2026-01-01T00:00:00Z',
};

let server: TestServer;
let client: Client;
async function against(answer: Parameters<typeof startServer>[0]): Promise<void> {
  server = await startServer(answer);
  client = createClient({ url: server.url, token: 'a-token' }, PORTS);
}
afterEach(async () => {
  client.close();
  await server.close();
});

describe('the client', () => {
  it('sends its token, and parses the answer', async () => {
    await against(() => ({ items: [SITE], next: null }));
    expect(await client.sites.list({ limit: 5 })).toEqual({ items: [SITE], next: null });
    expect(server.asked[0]).toMatchObject({ method: 'GET', path: `${API}/sites?limit=5` });
    expect(server.asked[0]?.headers.authorization).toBe('Bearer a-token');
  });

  it('refuses an answer of another form, and names the field', async () => {
    await against(() => ({ items: [{ ...SITE, tier: 'village' }], next: null }));
    const error = await client.sites.list().catch((it: unknown) => it);
    expect(error).toBeInstanceOf(UnknownReply);
    expect((error as Error).message).toContain('`items.0.tier`');
  });

  it('gives each creation a key of its own, or the one it was given (R9)', async () => {
    await against(() => SITE);
    await client.sites.create({ name: 'north', tier: 'district' });
    await client.sites.create({ name: 'north', tier: 'district' });
    await client.sites.create({ name: 'north', tier: 'district' }, { idempotencyKey: 'mine' });
    const keys = server.asked.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBe('mine');
  });

  it('asks once more, under the same key, when the connection broke', async () => {
    let times = 0;
    await against((_asked, response) => {
      times += 1;
      if (times > 1) return SITE;
      response.socket?.resetAndDestroy();
      return undefined;
    });
    await client.sites.create({ name: 'north', tier: 'district' });
    const keys = server.asked.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
  });

  it('passes a refusal on with its code, words, details and reference', async () => {
    const body = { code: 'planStale', message: 'It is stale.', next: 'Plan again.', details: [1], reference: 'ab12' };
    await against((_asked, response) => refuse(response, 409, body));
    const error = await client.rollouts.abort('ro-12345678').catch((it: unknown) => it);
    expect(error).toBeInstanceOf(RemoteRefusal);
    expect(error).toMatchObject(body);
  });

  it.each([
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'notFound'],
    [503, 'busy'],
  ])('words a %i of something in between as %s', async (status, code) => {
    await against((_asked, response) => refuse(response, status, '<html>no</html>'));
    await expect(client.me()).rejects.toMatchObject({ code });
  });

  it('says that nothing answers, and what to look at', async () => {
    await against(() => ({}));
    await server.close();
    const error = await client.me().catch((it: unknown) => it);
    expect(error).toBeInstanceOf(Unreachable);
    expect((error as Unreachable).next).toContain('Check the address');
  });

  it('gives up on a server that says nothing', async () => {
    await against(() => undefined);
    client = createClient({ url: server.url, token: 'a-token', timeoutMs: 50 }, PORTS);
    await expect(client.me()).rejects.toThrow('no answer in 50 ms');
  });

  it('takes every page of a list', async () => {
    await against(({ path }) =>
      path.includes('after=p2') ? { items: [{ ...SITE, name: 'south' }], next: null } : { items: [SITE], next: 'p2' },
    );
    const names: string[] = [];
    for await (const { name } of eachOf((listing) => client.sites.list(listing))) names.push(name);
    expect(names).toEqual(['north', 'south']);
  });

  it('escapes names in paths', async () => {
    await against(() => SITE);
    await client.sites.get('../me?x');
    expect(server.asked[0]?.path).toBe(`${API}/sites/..%2Fme%3Fx`);
  });

  it('says which field of a suite is wrong before anything is sent', async () => {
    await against(() => ({}));
    await expect(client.pushSuite({ name: 'Bad Name' })).rejects.toThrow('`name`');
    expect(server.asked).toEqual([]);
  });
});
