import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, GATEWAY_FIELDS, type GatewayApi, type Release, plainPolicy } from '@openward/contracts';
import type { Held } from '@openward/activation';
import type { GenerateEvent, GenerateRequest, Runtime } from '@openward/runtime';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_SITE_TERMS } from '@openward/policy';
import { compiledPolicy } from './compiled.ts';
import { createGateway } from './gateway.ts';
import { PolicyCounts } from './policy-counts.ts';
import { ServedReleases } from './served.ts';
import { Slots } from './slots.ts';

const KEY = 'owk-test-key';
const artifact = { manifest: digestOf('m'), file: digestOf('f'), size: 1, family: 'nano' };
const release = (number: number): Release => ({
  v: 1,
  service: {
    name: 'triage',
    purpose: 'p',
    users: 'u',
    languages: ['en'],
    riskClass: 'high',
    fallbackText: 'Call 112.',
  },
  number,
  change: 'base',
  model: {
    name: 'nano',
    version: String(number),
    family: 'nano',
    kind: 'base',
    template: {
      bos: '<s>',
      system: { before: '<sys>', after: '' },
      user: { before: '<usr>', after: '' },
      assistant: { before: '<ans>', after: '' },
      stop: ['</s>'],
    },
    contextLength: 64,
    trainingStatement: '',
    variants: [{ variant: 'f16', artifact, needs: { threads: 1, memoryBytes: 1 } }],
  },
  policy: plainPolicy('SYS', { revision: 7 }),
  parameters: { temperature: 0, maxTokens: 8 },
  suite: { name: 's', version: 1, digest: digestOf('s'), artifact },
});
const held = (number: number): Held => ({
  key: `key-${number}`,
  release: digestOf(release(number)),
  number,
  variant: 'f16',
  document: artifact,
  artifact,
  chain: null,
});

/** Says what it was asked, in pieces; waits for `gate` before its last piece, so that a test can act in the middle. */
class FakeRuntime implements Pick<Runtime, 'generate'> {
  asked: GenerateRequest[] = [];
  gate: Promise<void> = Promise.resolve();
  aborted = 0;
  fail: Error | null = null;
  /** Says on and on, and heeds no abort. */
  isDeaf = false;
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    this.asked.push(request);
    if (this.fail !== null) throw this.fail;
    try {
      yield { type: 'text', text: `${request.model}:` };
      while (this.isDeaf) {
        yield { type: 'text', text: 'x'.repeat(10_000) };
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.race([this.gate, once(request.signal!, 'abort')]);
      request.signal?.throwIfAborted();
      yield { type: 'text', text: 'ok' };
      yield { type: 'end', finishReason: 'stop', promptTokens: 3, completionTokens: 2 };
    } finally {
      if (request.signal?.aborted) this.aborted += 1;
    }
  }
}

let health = { restored: true, ready: true, details: {} };

function setUp() {
  const runtime = new FakeRuntime();
  const seen: [string, number][] = [];
  const served = new ServedReleases({
    releaseOf: (one) => Promise.resolve(release(one.number)),
    compile: (policy) => compiledPolicy(policy, NO_SITE_TERMS),
    drainMs: 1000,
    now: () => 0,
  });
  const slots = new Slots(2, 2);
  const server = createServer(
    createGateway({
      runtime: runtime as unknown as Runtime,
      served,
      policies: {
        today: () => '2026-03-01',
        onExpiry: () => 'goOn',
        shadowOf: () => null,
        counts: new PolicyCounts(() => '2026-03-01'),
      },
      slots,
      countTokens: (_, prompt) => Promise.resolve(prompt.length),
      keyOf: (digest) => (digest === createHash('sha256').update(KEY).digest('hex') ? 'k1' : null),
      limits: { bytes: 4096, ms: 300 },
      version: '0.1.0',
      health: () => health,
      observe: ({ service, status }) => void seen.push([service, status]),
      log: { info: () => {}, warn: () => {}, error: () => {} },
      monotonic: () => performance.now(),
      wall: () => 0,
    }),
  );
  return { runtime, served, server, slots, seen };
}

let world: ReturnType<typeof setUp>;
let url: string;
beforeEach(async () => {
  world = setUp();
  world.server.listen(0, '127.0.0.1');
  await once(world.server, 'listening');
  url = `http://127.0.0.1:${(world.server.address() as AddressInfo).port}`;
  await world.served.switchTo('triage', held(1));
});
afterEach(() => {
  world.server.closeAllConnections();
  world.server.close();
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const chat = (extra: object = {}) => ({ model: 'triage', messages: [{ role: 'user', content: 'hi' }], ...extra });
const until = async (holds: () => boolean): Promise<void> => {
  for (const deadline = performance.now() + 5000; !holds();) {
    if (performance.now() > deadline) throw new Error('it never came true');
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('unmodified clients', () => {
  test('openai: whole, streamed, models, and an error in its own shape', async () => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
    const whole = await client.chat.completions.create({
      model: 'triage',
      messages: [{ role: 'user', content: 'hi' }],
    });
    expect(whole.choices[0]?.message.content).toBe('key-1:ok');
    expect(whole.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
    let said = '';
    let usage = null;
    const stream = await client.chat.completions.create({
      model: 'triage',
      messages: [
        { role: 'developer', content: 'be brief' },
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
      ],
      max_completion_tokens: 4,
      stop: 'x',
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const part of stream) {
      said += part.choices[0]?.delta.content ?? '';
      usage = part.usage ?? usage;
    }
    expect(said).toBe('key-1:ok');
    expect(usage).toMatchObject({ total_tokens: 5 });
    expect(world.runtime.asked[1]).toMatchObject({
      prompt: '<s><sys>SYS<usr>be brief\nhi<ans>',
      maxTokens: 4,
      stop: ['</s>', 'x'],
    });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['triage']);
    expect((await client.models.retrieve('triage')).id).toBe('triage');
    await expect(
      client.chat.completions.create({ model: 'other', messages: [{ role: 'user', content: 'hi' }] }),
    ).rejects.toMatchObject({
      status: 404,
      code: 'modelNotFound',
    });
  });

  test('ollama: chat, generate, streamed, tags, version, and an error in its own shape', async () => {
    const client = new Ollama({ host: url, headers: { authorization: `Bearer ${KEY}` } });
    expect((await client.chat({ model: 'triage', messages: [{ role: 'user', content: 'hi' }] })).message.content).toBe(
      'key-1:ok',
    );
    expect(
      (await client.generate({ model: 'triage:latest', prompt: 'hi', system: 'be brief', keep_alive: 5 })).response,
    ).toBe('key-1:ok');
    let said = '';
    for await (const part of await client.chat({
      model: 'triage',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    }))
      said += part.message.content;
    expect(said).toBe('key-1:ok');
    expect((await client.list()).models.map(({ name }) => name)).toEqual(['triage']);
    expect((await client.show({ model: 'triage' })).capabilities).toEqual(['completion']);
    await expect(client.generate({ model: 'triage', prompt: 'hi', raw: true })).rejects.toThrow('raw');
  });
});

describe('G1 the table of fields', () => {
  const rows = (['openai.chat', 'openai.completions', 'ollama.chat', 'ollama.generate'] as const).flatMap((api) =>
    Object.entries(GATEWAY_FIELDS[api]).map(([name, field]) => ({ api, name, field })),
  );
  const PATHS: Partial<Record<GatewayApi, string>> = {
    'openai.chat': '/v1/chat/completions',
    'openai.completions': '/v1/completions',
    'ollama.chat': '/api/chat',
    'ollama.generate': '/api/generate',
  };
  const base = (api: GatewayApi) =>
    api.endsWith('chat') ? chat({ stream: false }) : { model: 'triage', prompt: 'hi', stream: false };
  const SAMPLE: Record<string, unknown> = {
    options: { num_ctx: 9 },
    stream_options: {},
    stop: ['x'],
    max_tokens: 3,
    max_completion_tokens: 3,
  };

  test.for(rows.filter(({ field }) => field.rule === 'refused'))(
    '$api refuses $name by name',
    async ({ api, name }) => {
      const answer = await post(PATHS[api]!, { ...base(api), [name]: ['something'] });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain(name);
      expect(world.runtime.asked).toHaveLength(0);
    },
  );

  test.for(rows.filter(({ field }) => field.rule === 'ignored'))(
    '$api ignores $name, and it never reaches the runtime',
    async ({ api, name }) => {
      const [plain, given] = [
        await post(PATHS[api]!, base(api)),
        await post(PATHS[api]!, { ...base(api), [name]: 0.5 }),
      ];
      expect([plain.status, given.status]).toEqual([200, 200]);
      const [a, b] = world.runtime.asked.map((asked) => ({ ...asked, signal: null }));
      expect(b).toEqual(a);
    },
  );

  test.for(rows.filter(({ field, name }) => field.rule === 'forwarded' && name in SAMPLE))(
    '$api takes $name',
    async ({ api, name }) => {
      expect((await post(PATHS[api]!, { ...base(api), [name]: SAMPLE[name] })).status).toBe(200);
      expect(JSON.stringify(world.runtime.asked[0])).not.toContain('num_ctx');
    },
  );

  test('a field that stands nowhere is refused, in a message too', async () => {
    expect(await (await post('/v1/chat/completions', chat({ wat: 1 }))).text()).toContain('wat');
    expect(
      (await post('/v1/chat/completions', { model: 'triage', messages: [{ role: 'user', content: 'x', __proto_: 1 }] }))
        .status,
    ).toBe(400);
    expect((await post('/v1/chat/completions', chat({ messages: [{ role: 'tool', content: 'x' }] }))).status).toBe(400);
  });
});

describe('bad input', () => {
  test('what is no JSON, too large, or slow gets its code', async () => {
    expect(await (await post('/v1/chat/completions', '{')).json()).toMatchObject({ error: { code: 'notJson' } });
    expect((await post('/v1/chat/completions', chat({ user: 'x'.repeat(5000) }))).status).toBe(413);
    // Still being sent when it is refused: the client reads why all the same.
    expect((await post('/v1/chat/completions', chat({ user: 'x'.repeat(24_000_000) }))).status).toBe(413);
    const slow = httpRequest(`${url}/api/chat`, {
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
  await world.served.switchTo('triage', held(2));
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

test('a client that goes away stops its generation and frees its place', async () => {
  world.runtime.gate = new Promise(() => undefined);
  const stop = new AbortController();
  const gone = fetch(`${url}/v1/chat/completions`, {
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
    const gone = fetch(`${url}/v1/chat/completions`, {
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
  expect(await world.served.judge('triage', held(1), { errorShare: 0.5, minRequests: 1 })).toBe('over');
  expect(await world.served.judge('triage', held(1), { errorShare: 0.5, minRequests: 2 })).toBe('tooFewRequests');
  await world.served.stop('triage', 'halted', null);
  const halted = await post('/api/chat', chat());
  expect(halted.status).toBe(503);
  expect(await halted.json()).toMatchObject({ code: 'halted', error: expect.stringContaining('Call 112.') });
});

test('health says 200 only when what served before serves again, and ready only when something serves', async () => {
  const statuses = async () => [(await fetch(`${url}/health`)).status, (await fetch(`${url}/ready`)).status];
  expect(await statuses()).toEqual([200, 200]);
  health = { restored: true, ready: false, details: {} };
  expect(await statuses()).toEqual([200, 503]);
  health = { restored: false, ready: false, details: {} };
  expect(await statuses()).toEqual([503, 503]);
  health = { restored: true, ready: true, details: {} };
});

test('N5 a service that was halted before a restart tells the fallback text of the release that it would serve', async () => {
  await world.served.stop('letters', 'halted', { ...held(1), key: 'key-letters' });
  const halted = await post('/api/chat', { ...chat(), model: 'letters' });
  expect(halted.status).toBe(503);
  expect(await halted.json()).toMatchObject({
    code: 'halted',
    error: expect.stringContaining(release(1).service.fallbackText),
  });
});
