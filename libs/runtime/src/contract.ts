/**
 * The one test of a runtime: each adapter's test file calls `testRuntime` with a way to open it. It makes its own small
 * models, so it needs nothing but the runtime.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import type { GenerateEvent, GenerateRequest, LoadRequest, ModelFile, Runtime, RuntimeExit } from './port.ts';
import { RuntimeRefusal, type RuntimeRefusalCode } from './refusal.ts';
import { writeTinyAdapter, writeTinyModel } from './tiny-model.ts';

export interface OpenedRuntime {
  readonly runtime: Runtime;
  /** Kills the process that serves, as when the power fails. */
  readonly kill: () => Promise<void>;
  /** Resolves when it is back: started by the test where the site would, else by itself. */
  readonly startAgain: () => Promise<void>;
  /** What the runtime stores of these files besides, by digest; nothing where it stores nothing. */
  readonly stores: (digest: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Opens the runtime for models in this folder, with nothing loaded; several may be open, one after the other. */
export type OpenRuntime = (folder: string) => Promise<OpenedRuntime>;

export const PROMPT = '<s><sys>Triage: emergency or routine.<usr>Slurred speech since this morning.<ans>';
/** A context in which a reply takes many seconds. */
export const LONG = 16_384;

export async function modelFile(path: string): Promise<ModelFile> {
  const hash = createHash('sha256');
  return { path, digest: `sha256:${hash.update(await readFile(path)).digest('hex')}` };
}

export const setOf = (key: string, base: ModelFile, more: Partial<LoadRequest> = {}): LoadRequest => ({
  key,
  base,
  contextLength: 512,
  threads: 1,
  parallel: 2,
  ...more,
});

export const ask = (model: string, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model,
  prompt: PROMPT,
  maxTokens: 24,
  temperature: 0,
  stop: [],
  ...more,
});

/** A reply that takes minutes. Sampled, since Ollama breaks off one that says the same token over and over. */
export const askLong = (more: Partial<GenerateRequest> = {}): GenerateRequest =>
  ask('long', { maxTokens: LONG - 200, temperature: 2, seed: 7, ...more });

export interface WholeReply {
  readonly text: string;
  readonly pieces: readonly string[];
  readonly end: Extract<GenerateEvent, { type: 'end' }>;
}

export async function replyOf(runtime: Runtime, request: GenerateRequest): Promise<WholeReply> {
  const pieces: string[] = [];
  for await (const event of runtime.generate(request)) {
    if (event.type === 'end') return { text: pieces.join(''), pieces, end: event };
    pieces.push(event.text);
  }
  throw new Error('the reply had no end');
}

/** The code with which this is refused. */
export async function refusalOf(work: () => Promise<unknown>): Promise<RuntimeRefusalCode | 'done'> {
  try {
    await work();
    return 'done';
  } catch (cause) {
    if (cause instanceof RuntimeRefusal) return cause.code;
    throw cause;
  }
}

export async function eventually<Value>(what: string, ask: () => Value | undefined, within = 20_000): Promise<Value> {
  for (const began = performance.now(); performance.now() - began < within; await pause(10)) {
    const value = ask();
    if (value !== undefined) return value;
  }
  throw new Error(`${what}: not within ${within} ms`);
}

export function testRuntime(open: OpenRuntime): void {
  let folder: string;
  let one: ModelFile;
  let other: ModelFile;
  let adapter: ModelFile;
  let opened: OpenedRuntime;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openward-runtime-'));
    await writeTinyModel(join(folder, 'one.gguf'), { seed: 1, contextLength: LONG });
    await writeTinyModel(join(folder, 'other.gguf'), { seed: 2, contextLength: LONG });
    await writeTinyAdapter(join(folder, 'adapter.gguf'), 3);
    one = await modelFile(join(folder, 'one.gguf'));
    other = await modelFile(join(folder, 'other.gguf'));
    adapter = await modelFile(join(folder, 'adapter.gguf'));
    opened = await open(folder);
  });

  afterAll(async () => {
    await opened?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const withLoaded = async (...requests: readonly LoadRequest[]): Promise<Runtime> => {
    const { runtime } = opened;
    onTestFinished(async () => {
      for (const { key } of requests) await runtime.remove(key);
    });
    for (const request of requests) await runtime.load(request);
    return runtime;
  };

  test('describes itself', async () => {
    const description = await opened.runtime.describe();
    expect(description.kind).toBe(opened.runtime.kind);
    expect(description.version).toMatch(/\d+\.\d+\.\d+/);
    expect(description.isolation.map((measure) => measure.name)).toContain('noNetwork');
    expect(description.isolation.every((measure) => measure.why.length > 0)).toBe(true);
  });

  test('reports the digests of what it loaded, and what it takes in memory (N8)', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const models = await runtime.loaded();
    expect(models).toEqual([{ key: 'one', base: one.digest, memoryBytes: expect.any(Number) }]);
    expect(models[0]?.memoryBytes).toBeGreaterThan(100_000);
  });

  test('loads the same set again without doing anything, and refuses another one under its key', async () => {
    const runtime = await withLoaded(setOf('one', one));
    expect(await runtime.load(setOf('one', one))).toMatchObject({ key: 'one', base: one.digest });
    expect(await refusalOf(() => runtime.load(setOf('one', other)))).toBe('invalidRequest');
    expect(await runtime.loaded()).toHaveLength(1);
  });

  test('gives the same reply to the same prompt, and another to another', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const first = await replyOf(runtime, ask('one'));
    expect(first.text).toMatch(/^[a-z ]{20,}$/);
    expect(first.end).toEqual({
      type: 'end',
      finishReason: 'length',
      promptTokens: PROMPT_TOKENS,
      completionTokens: 24,
    });
    expect((await replyOf(runtime, ask('one'))).text).toBe(first.text);
    expect((await replyOf(runtime, ask('one', { prompt: `${PROMPT}b` }))).text).not.toBe(first.text);
    expect((await replyOf(runtime, ask('one'))).text).toBe(first.text);
  });

  test('begins a prompt with the mark that the vocabulary asks for, once', async () => {
    const path = join(folder, 'marking.gguf');
    await writeTinyModel(path, { seed: 1, addsBos: true });
    const runtime = await withLoaded(setOf('one', one), setOf('marking', await modelFile(path)));
    const unmarked = ask('marking', { prompt: PROMPT.slice('<s>'.length) });
    for (const request of [unmarked, ask('marking')]) {
      const { text, end } = await replyOf(runtime, request);
      expect(end.promptTokens).toBe(PROMPT_TOKENS);
      expect(text).toBe((await replyOf(runtime, ask('one'))).text);
    }
  });

  test('streams pieces that make up the whole reply', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const { pieces, text } = await replyOf(runtime, ask('one'));
    expect(pieces.length).toBeGreaterThan(3);
    expect(text.startsWith((await replyOf(runtime, ask('one', { maxTokens: 8 }))).text)).toBe(true);
  });

  test('samples by the seed', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const hot = (seed: number) => replyOf(runtime, ask('one', { temperature: 1.5, topP: 0.95, seed }));
    const texts = await Promise.all([hot(1), hot(1), hot(2), hot(3)]);
    expect(texts[0]?.text).toBe(texts[1]?.text);
    expect(new Set(texts.map(({ text }) => text)).size).toBeGreaterThan(1);
  });

  test('ends before a stop string', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const { text } = await replyOf(runtime, ask('one'));
    const stop = text.slice(6, 9);
    const stopped = await replyOf(runtime, ask('one', { stop: ['never said', stop] }));
    expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(stopped.end.finishReason).toBe('stop');
  });

  test('ends after the most tokens that were asked for, told as length', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const { end } = await replyOf(runtime, ask('one', { maxTokens: 5 }));
    expect(end).toMatchObject({ finishReason: 'length', completionTokens: 5 });
  });

  test('holds a reply to a JSON schema', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const label = { enum: ['emergency', 'routine'] };
    const { text } = await replyOf(runtime, ask('one', { format: { type: 'string', ...label } }));
    expect(label.enum).toContain(JSON.parse(text));
    const format = { type: 'object', properties: { label }, required: ['label'], additionalProperties: false };
    const object = await replyOf(runtime, ask('one', { format, maxTokens: 64 }));
    expect(label.enum).toContain((JSON.parse(object.text) as { label: string }).label);
  });

  test('refuses a prompt that leaves no room, and ends a reply where the room ends', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const long = (tokens: number) => `<s><usr>${'a'.repeat(tokens - 3)}<ans>`;
    expect(await refusalOf(() => replyOf(runtime, ask('one', { prompt: long(512) })))).toBe('contextTooLong');
    expect(await refusalOf(() => replyOf(runtime, ask('one', { prompt: long(3000) })))).toBe('contextTooLong');
    const { end } = await replyOf(runtime, ask('one', { prompt: long(500), maxTokens: 100 }));
    expect(end).toMatchObject({ finishReason: 'length', promptTokens: 500, completionTokens: 12 });
  });

  test.each(['abort', 'leaving the loop'])('stops at once by %s, and serves the next', async (way) => {
    const runtime = await withLoaded(setOf('long', one, { contextLength: LONG, parallel: 1 }));
    const stopping = new AbortController();
    const request = askLong({ signal: stopping.signal });
    const began = performance.now();
    const outcome = await refusalOf(async () => {
      for await (const event of runtime.generate(request)) {
        expect(event.type).toBe('text');
        if (way === 'abort') stopping.abort();
        else break;
      }
    });
    expect(outcome).toBe(way === 'abort' ? 'aborted' : 'done');
    expect((await replyOf(runtime, ask('long', { maxTokens: 2 }))).end.completionTokens).toBe(2);
    // The whole reply takes minutes.
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test('lets a request that waits be aborted', async () => {
    const runtime = await withLoaded(setOf('long', one, { contextLength: LONG, parallel: 1 }));
    const first = new AbortController();
    const serving = replyOf(runtime, askLong({ signal: first.signal }));
    const second = new AbortController();
    const waiting = replyOf(runtime, ask('long', { signal: second.signal }));
    second.abort();
    expect(await refusalOf(() => waiting)).toBe('aborted');
    first.abort();
    expect(await refusalOf(() => serving)).toBe('aborted');
    expect(await refusalOf(() => replyOf(runtime, ask('long', { signal: second.signal })))).toBe('aborted');
  });

  test('answers several at once, each as if alone', async () => {
    const runtime = await withLoaded(setOf('one', one, { parallel: 4 }));
    const prompts = Array.from({ length: 12 }, (_, index) => `<s><usr>case ${index}<ans>`);
    const alone: string[] = [];
    for (const prompt of prompts) alone.push((await replyOf(runtime, ask('one', { prompt, maxTokens: 6 }))).text);
    const together = await Promise.all(prompts.map((prompt) => replyOf(runtime, ask('one', { prompt, maxTokens: 6 }))));
    expect(together.map(({ text }) => text)).toEqual(alone);
  });

  test('keeps two models side by side, which answer in turn', async () => {
    const runtime = await withLoaded(setOf('one', one), setOf('other', other));
    const texts = [];
    for (const key of ['one', 'other', 'one', 'other']) texts.push((await replyOf(runtime, ask(key))).text);
    expect(texts[0]).toBe(texts[2]);
    expect(texts[1]).toBe(texts[3]);
    expect(texts[0]).not.toBe(texts[1]);
    expect((await runtime.loaded()).map(({ base }) => base).sort()).toEqual([one.digest, other.digest].sort());
  });

  test('answers by the adapter on its base, and by the base alone without it', async () => {
    const runtime = await withLoaded(setOf('base', one));
    const { text } = await replyOf(runtime, ask('base'));
    await runtime.unload('base');
    await withLoaded(setOf('adapted', one, { adapter }));
    expect((await runtime.loaded())[0]).toMatchObject({ base: one.digest, adapter: adapter.digest });
    expect((await replyOf(runtime, ask('adapted'))).text).not.toBe(text);
    await runtime.unload('adapted');
    await runtime.load(setOf('base', one));
    expect((await replyOf(runtime, ask('base'))).text).toBe(text);
  });

  test('serves no model that was unloaded, and loads it again', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const { text } = await replyOf(runtime, ask('one'));
    await runtime.unload('one');
    await runtime.unload('one');
    expect(await runtime.loaded()).toEqual([]);
    expect(await refusalOf(() => replyOf(runtime, ask('one')))).toBe('modelNotLoaded');
    await runtime.load(setOf('one', one));
    expect((await replyOf(runtime, ask('one'))).text).toBe(text);
  });

  test('frees what it stores when a model is removed', async () => {
    const runtime = await withLoaded(setOf('one', one), setOf('other', other));
    await runtime.remove('other');
    expect(await opened.stores(other.digest)).toBe(false);
    expect(await refusalOf(() => replyOf(runtime, ask('other')))).toBe('modelNotLoaded');
    expect((await replyOf(runtime, ask('one', { maxTokens: 2 }))).end.completionTokens).toBe(2);
  });

  test('refuses a file that is no model, and lives on', async () => {
    const runtime = await withLoaded(setOf('one', one));
    const whole = await readFile(one.path);
    const broken = {
      empty: Buffer.alloc(0),
      text: Buffer.from('Once upon a time there was no model in here.\n'.repeat(100)),
      cut: whole.subarray(0, whole.length >> 1),
      'cut-header': whole.subarray(0, 1000),
    };
    for (const [key, bytes] of Object.entries(broken)) {
      const path = join(folder, `${key}.gguf`);
      await writeFile(path, bytes);
      const file = await modelFile(path);
      expect([key, await refusalOf(() => runtime.load(setOf(key, file)))]).toEqual([key, 'modelNotLoadable']);
    }
    const nowhere = { path: join(folder, 'nowhere.gguf'), digest: `sha256:${'0'.repeat(64)}` };
    expect(await refusalOf(() => runtime.load(setOf('nowhere', nowhere)))).toBe('modelNotLoadable');
    expect((await runtime.loaded()).map(({ key }) => key)).toEqual(['one']);
    expect((await replyOf(runtime, ask('one', { maxTokens: 2 }))).end.completionTokens).toBe(2);
  });

  test('refuses a file that holds other bytes than the release says (N8)', async () => {
    const { runtime } = opened;
    const wrong = { path: other.path, digest: `sha256:${'1'.repeat(64)}` };
    expect(await refusalOf(() => runtime.load(setOf('wrong', wrong)))).toBe('digestMismatch');
    expect(await runtime.loaded()).toEqual([]);
  });

  test('refuses a request that makes no sense', async () => {
    const runtime = await withLoaded(setOf('one', one));
    expect(await refusalOf(() => runtime.load(setOf('No Key', one)))).toBe('invalidRequest');
    expect(await refusalOf(() => replyOf(runtime, ask('one', { maxTokens: 0 })))).toBe('invalidRequest');
    expect(await refusalOf(() => replyOf(runtime, ask('one', { stop: [''] })))).toBe('invalidRequest');
    expect(await refusalOf(() => replyOf(runtime, ask('nobody')))).toBe('modelNotLoaded');
  });

  test('tells that its process died, and serves again once it is back (N4)', async () => {
    const runtime = await withLoaded(setOf('long', one, { contextLength: LONG }), setOf('other', other));
    const exits: RuntimeExit[] = [];
    onTestFinished(runtime.onExit((exit) => exits.push(exit)));
    const { text } = await replyOf(runtime, ask('other'));
    const outcome = await refusalOf(async () => {
      for await (const event of runtime.generate(askLong())) {
        if (event.type === 'text') await opened.kill();
      }
    });
    expect(outcome).toBe('runtimeExited');
    await eventually('an exit', () => exits[0]);
    await opened.startAgain();
    expect((await replyOf(runtime, ask('other'))).text).toBe(text);
    const bases = async (): Promise<string[]> => (await runtime.loaded()).map(({ base }) => base).sort();
    await expect.poll(bases, { timeout: 20_000 }).toEqual([one.digest, other.digest].sort());
    expect(exits).toHaveLength(1);
  });

  test('refuses everything once it is closed', async () => {
    const second = await open(folder);
    await second.close();
    await second.close();
    expect(await refusalOf(() => second.runtime.load(setOf('one', one)))).toBe('closed');
    expect(await refusalOf(() => replyOf(second.runtime, ask('one')))).toMatch(/closed|modelNotLoaded/);
  });
}

/** Its bytes, with four marks as one token each, and the one merge. */
const PROMPT_TOKENS = 66;
