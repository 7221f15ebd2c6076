import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { beforeEach, describe, expect, test } from 'vitest';
import { serve } from './gateway.fixture.ts';
import { KEY } from './release.fixture.ts';

let world: Awaited<ReturnType<typeof serve>>;
beforeEach(async () => {
  world = await serve();
});

describe('unmodified clients', () => {
  test('openai: whole, streamed, models, and an error in its own shape', async () => {
    const client = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: KEY, maxRetries: 0 });
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
    await expect(client.embeddings.create({ model: 'triage', input: 'hi' })).rejects.toMatchObject({
      status: 404,
      code: 'notOffered',
      error: { next: expect.stringContaining('/v1/models') as string },
    });
  });

  test('ollama: chat, generate, streamed, tags, version, and an error in its own shape', async () => {
    const client = new Ollama({ host: world.url, headers: { authorization: `Bearer ${KEY}` } });
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
    await expect(client.embed({ model: 'triage', input: 'hi' })).rejects.toMatchObject({ status_code: 404 });
    await expect(client.delete({ model: 'triage' })).rejects.toThrow('/api/delete is not offered');
    const options = { num_ctx: 512, num_gpu: 0, top_k: 5, repeat_penalty: 1.1, presence_penalty: 0.5, use_mmap: true };
    expect((await client.generate({ model: 'triage', prompt: 'hi', options })).response).toBe('key-1:ok');
  });
});
