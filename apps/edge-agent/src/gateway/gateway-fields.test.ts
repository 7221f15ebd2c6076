import { GATEWAY_FIELDS, OLLAMA_OPTIONS, type GatewayApi } from '@openward/contracts';
import { beforeEach, describe, expect, test } from 'vitest';
import { chat, serve } from './gateway.fixture.ts';

let world: Awaited<ReturnType<typeof serve>>;
beforeEach(async () => {
  world = await serve();
});
const post: typeof world.post = (...given) => world.post(...given);

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

  const optionRows = (['ollama.chat', 'ollama.generate'] as const).flatMap((api) =>
    Object.entries(OLLAMA_OPTIONS).map(([name, { rule }]) => ({ api, name, rule })),
  );

  test.for(optionRows.filter(({ rule }) => rule === 'ignored'))(
    '$api ignores options.$name, and it never reaches the runtime',
    async ({ api, name }) => {
      await post(PATHS[api]!, base(api));
      expect((await post(PATHS[api]!, { ...base(api), options: { [name]: 9 } })).status).toBe(200);
      const [a, b] = world.runtime.asked.map((asked) => ({ ...asked, signal: null }));
      expect(b).toEqual(a);
    },
  );

  test.for(optionRows.filter(({ rule }) => rule === 'refused'))(
    '$api refuses options.$name by name',
    async ({ api, name }) => {
      const answer = await post(PATHS[api]!, { ...base(api), options: { [name]: true } });
      expect([answer.status, answer.headers.get('x-openward-code')]).toEqual([400, 'fieldRefused']);
      expect(await answer.text()).toContain(`options.${name}`);
      expect(world.runtime.asked).toEqual([]);
    },
  );

  test.for([
    ['/api/chat', chat({ options: { wat: 1 } }), 'options.wat'],
    ['/api/generate', { model: 'triage', prompt: 'hi', options: { wat: null } }, 'options.wat'],
    ['/v1/chat/completions', chat({ stream: true, stream_options: { wat: true } }), 'stream_options.wat'],
    [
      '/v1/chat/completions',
      chat({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x', wat: 1 }] }] }),
      'messages[0].content[0].wat',
    ],
    ['/api/show', { model: 'triage', wat: 1 }, 'wat'],
  ] as const)('what stands in no table is refused by its whole name: %s', async ([path, body, name]) => {
    const answer = await post(path, body);
    expect([answer.status, answer.headers.get('x-openward-code')]).toEqual([400, 'fieldRefused']);
    expect(await answer.text()).toContain(name);
    expect(world.runtime.asked).toEqual([]);
  });

  test.for([7, { text: 'x' }, ['x'], true])('a `system` of Ollama that is no text is refused: %s', async (system) => {
    const answer = await post('/api/generate', { model: 'triage', prompt: 'hi', system });
    expect([answer.status, answer.headers.get('x-openward-code')]).toEqual([400, 'badRequest']);
    expect(await answer.text()).toContain('`system`');
    expect(world.runtime.asked).toEqual([]);
  });

  test.for([null, ''])('a `system` of Ollama that says nothing is none: %j', async (system) => {
    expect((await post('/api/generate', { ...base('ollama.generate'), system })).status).toBe(200);
    expect(world.runtime.asked[0]?.prompt).toBe('<s><sys>SYS<usr>hi<ans>');
  });

  test('a field that stands nowhere is refused, in a message too', async () => {
    expect(await (await post('/v1/chat/completions', chat({ wat: 1 }))).text()).toContain('wat');
    expect(
      (await post('/v1/chat/completions', { model: 'triage', messages: [{ role: 'user', content: 'x', __proto_: 1 }] }))
        .status,
    ).toBe(400);
    expect((await post('/v1/chat/completions', chat({ messages: [{ role: 'tool', content: 'x' }] }))).status).toBe(400);
  });
});
