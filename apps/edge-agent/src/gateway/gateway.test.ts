import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { chat, serve } from './gateway.fixture.ts';
import { heldOf, KEY, releaseOf, until } from './release.fixture.ts';

let world: Awaited<ReturnType<typeof serve>>;
beforeEach(async () => {
  world = await serve();
});
const post: typeof world.post = (...given) => world.post(...given);

describe('bad input', () => {
  test('what is no JSON, too large, or slow gets its code', async () => {
    expect(await (await post('/v1/chat/completions', '{')).json()).toMatchObject({ error: { code: 'notJson' } });
    expect((await post('/v1/chat/completions', chat({ user: 'x'.repeat(5000) }))).status).toBe(413);
    // Still being sent when it is refused: the client reads why all the same.
    expect((await post('/v1/chat/completions', chat({ user: 'x'.repeat(24_000_000) }))).status).toBe(413);
    const slow = httpRequest(`${world.url}/api/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-length': 100 },
    });
    slow.write('{');
    const [response] = (await once(slow, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(408);
    slow.destroy();
  });

  test('without a key, or with another, nothing is answered', async () => {
    expect((await post('/v1/chat/completions', chat(), { authorization: '' })).status).toBe(401);
    expect((await post('/api/chat', chat(), { authorization: 'Bearer nope' })).status).toBe(401);
    expect(world.runtime.asked).toHaveLength(0);
  });

  test('G2 messages that do not fit beside the reply are refused before the runtime sees them', async () => {
    expect(
      await (
        await post('/v1/chat/completions', chat({ messages: [{ role: 'user', content: 'x'.repeat(60) }] }))
      ).json(),
    ).toMatchObject({
      error: { code: 'tooLong' },
    });
    expect(world.runtime.asked).toHaveLength(0);
  });

  test('a message that speaks in a mark of the template is refused', async () => {
    expect(
      await (await post('/v1/chat/completions', chat({ messages: [{ role: 'user', content: 'a<ans>b' }] }))).json(),
    ).toMatchObject({
      error: { code: 'templateMark' },
    });
  });
});

test('G3 a reply carries a request id, the release and the policy revision', async () => {
  const first = await post('/v1/chat/completions', chat());
  const second = await post('/api/chat', chat({ stream: true }));
  expect(first.headers.get('x-openward-release')).toBe('1');
  expect(second.headers.get('x-openward-policy-revision')).toBe('7');
  expect(first.headers.get('x-openward-request-id')).not.toBe(second.headers.get('x-openward-request-id'));
});

test('a refusal is counted with its own status, under no name that a client made up, and carries a request id', async () => {
  await world.served.stop('letters', 'loading', null);
  const answers = [
    await post('/v1/chat/completions', chat(), { authorization: '' }),
    await post('/v1/chat/completions', { ...chat(), model: 'made-up' }),
    await post('/v1/chat/completions', chat({ messages: [{ role: 'user', content: 'a<ans>b' }] })),
    await post('/v1/chat/completions', { ...chat(), model: 'letters' }),
    await post('/v1/chat/completions', chat()),
  ];
  await until(() => world.seen.length === answers.length);
  expect(world.seen).toEqual([
    ['none', 401],
    ['none', 404],
    ['triage', 400],
    ['letters', 503],
    ['triage', 200],
  ]);
  expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual([null, null, null, '5', null]);
  expect(new Set(answers.map(({ headers }) => headers.get('x-openward-request-id') ?? '')).size).toBe(5);
});

test('a request in flight ends on the old release while the next is answered by the new one, and a drain waits for it', async () => {
  let open = () => {};
  world.runtime.gate = new Promise((resolve) => (open = resolve));
  const old = post('/v1/chat/completions', chat());
  await until(() => world.runtime.asked.length === 1);
  await world.served.switchTo('triage', heldOf(2));
  let drained = false;
  const drain = world.served.drain('key-1').then(() => (drained = true));
  const next = post('/v1/chat/completions', chat());
  await until(() => world.runtime.asked.length === 2);
  expect(drained).toBe(false);
  open();
  expect(await (await old).text()).toContain('key-1:ok');
  expect(await (await next).text()).toContain('key-2:ok');
  await drain;
});

test('G5 a client that reads nothing any more is cut off, and frees its place', async () => {
  world.runtime.isDeaf = true;
  const response = await post('/v1/chat/completions', chat({ stream: true }));
  expect(response.status).toBe(200);
  await until(() => world.slots.busy === 0);
  expect(world.runtime.aborted).toBe(1);
  await response.body?.cancel().catch(() => undefined);
});

test('a client that goes away stops its generation and frees its place', async () => {
  world.runtime.gate = new Promise(() => undefined);
  const stop = new AbortController();
  const gone = fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify(chat({ stream: true })),
    signal: stop.signal,
  });
  const response = await gone;
  await response.body!.getReader().read();
  stop.abort();
  await until(() => world.runtime.aborted === 1);
  world.runtime.gate = Promise.resolve();
  expect((await post('/v1/chat/completions', chat())).status).toBe(200);
});

test.for([true, false])(
  'a client that goes away frees its place although the runtime goes on, streamed: %s',
  async (stream) => {
    world.runtime.isDeaf = true;
    const stop = new AbortController();
    const gone = fetch(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify(chat({ stream })),
      signal: stop.signal,
    });
    gone.catch(() => undefined);
    await until(() => world.slots.busy === 1);
    if (stream) await (await gone).body!.getReader().read();
    stop.abort();
    await until(() => world.slots.busy === 0);
    await world.served.drain('key-1');
    expect(world.runtime.aborted).toBe(1);
  },
);

test('G5 behind a full queue a request is told when to come again', async () => {
  let open = () => {};
  world.runtime.gate = new Promise((resolve) => (open = resolve));
  const accepted = Array.from({ length: 4 }, () => post('/v1/chat/completions', chat()));
  await until(() => world.slots.busy === 2 && world.slots.waiting === 2);
  const refused = await post('/v1/chat/completions', chat());
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  open();
  expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test('N5 a halted service answers 503 with its code and fallback text, and an error of the runtime counts as one', async () => {
  world.runtime.fail = new Error('native crash');
  expect((await post('/v1/chat/completions', chat())).status).toBe(500);
  const look = { final: false, errorShare: 0.5, minFailed: 1 };
  expect(await world.served.judge('triage', heldOf(1), { ...look, minRequests: 1 })).toBe('over');
  expect(await world.served.judge('triage', heldOf(1), { ...look, minRequests: 2 })).toBe('tooFewRequests');
  await world.served.stop('triage', 'halted', null);
  const halted = await post('/api/chat', chat());
  expect(halted.status).toBe(503);
  expect(await halted.json()).toMatchObject({ code: 'halted', error: expect.stringContaining('Call 112.') });
});

test('health says 200 only when what served before serves again, and ready only when something serves', async () => {
  const statuses = async () => [
    (await fetch(`${world.url}/health`)).status,
    (await fetch(`${world.url}/ready`)).status,
  ];
  expect(await statuses()).toEqual([200, 200]);
  world.site.health = { restored: true, ready: false, details: {} };
  expect(await statuses()).toEqual([200, 503]);
  world.site.health = { restored: false, ready: false, details: {} };
  expect(await statuses()).toEqual([503, 503]);
  world.site.health = { restored: true, ready: true, details: {} };
});

test('N5 a service that was halted before a restart tells the fallback text of the release that it would serve', async () => {
  await world.served.stop('letters', 'halted', { ...heldOf(1), key: 'key-letters' });
  const halted = await post('/api/chat', { ...chat(), model: 'letters' });
  expect(halted.status).toBe(503);
  expect(await halted.json()).toMatchObject({
    code: 'halted',
    error: expect.stringContaining(releaseOf(1).service.fallbackText),
  });
});
