import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findOllamas, NO_OLLAMA, startOllama, type OllamaProgram } from '@openward/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';

import { ask, askLong, LONG, modelFile, refusalOf, replyOf, setOf, testRuntime, type OpenRuntime } from './contract.ts';
import { testDemoModels } from './demo-models.ts';
import { LlamaChild } from './llama/llama-child.ts';
import { openVocabulary } from './llama/vocabulary.ts';
import type { LoadRequest, ModelFile, RuntimeExit } from './port.ts';
import { OllamaRuntime, type OllamaRuntimeOptions } from './ollama/ollama-runtime.ts';
import { writeTinyAdapter, writeTinyModel } from './tiny-model.ts';

const programs = await findOllamas();

test('has an Ollama at hand', (context) => {
  context.skip(programs.length === 0, NO_OLLAMA);
  expect(programs).not.toEqual([]);
});

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'openward-ollama-'));

const openAt =
  (program: OllamaProgram): OpenRuntime =>
  async (folder) => {
    const dir = await newFolder();
    let ollama = await startOllama({ dir, program });
    const child = new LlamaChild({ readable: [folder] });
    const runtime = new OllamaRuntime({
      urls: [ollama.url],
      openVocabulary: (file) => openVocabulary(child, file),
      allowUnsafeVersion: true,
    });
    return {
      runtime,
      kill: () => ollama.kill9(),
      startAgain: async () => {
        ollama = await startOllama({ dir, program, port: ollama.port });
      },
      stores: async (digest) => (await fetch(`${ollama.url}/api/blobs/${digest}`, { method: 'HEAD' })).ok,
      close: async () => {
        await runtime.close();
        await child.close();
        await ollama.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  };

for (const program of programs) {
  describe(`Ollama ${program.version}`, () => {
    testRuntime(openAt(program));
  });

  describe(`Ollama ${program.version}, with the models of the demo`, () => {
    testDemoModels(openAt(program));
  });

  describe(`Ollama ${program.version}, several of them`, () => {
    const startSeveral = async (count: number, more: Partial<OllamaRuntimeOptions> = {}, parallel = 4) => {
      const folder = await newFolder();
      const child = new LlamaChild({ readable: [folder] });
      const dirs = Array.from({ length: count }, (_, index) => join(folder, `ollama-${index}`));
      const servers = await Promise.all(dirs.map((dir) => startOllama({ dir, program, parallel })));
      const runtime = new OllamaRuntime({
        urls: servers.map(({ url }) => url),
        openVocabulary: (file) => openVocabulary(child, file),
        allowUnsafeVersion: true,
        ...more,
      });
      onTestFinished(async () => {
        await runtime.close();
        await child.close();
        await Promise.all(servers.map((server) => server.stop()));
        await rm(folder, { recursive: true, force: true });
      });
      await writeTinyModel(join(folder, 'base.gguf'), { seed: 1, contextLength: LONG });
      await writeTinyAdapter(join(folder, 'a.gguf'), 2);
      await writeTinyAdapter(join(folder, 'b.gguf'), 3);
      const base = await modelFile(join(folder, 'base.gguf'));
      const a = setOf('a', base, { adapter: await modelFile(join(folder, 'a.gguf')) });
      const b = setOf('b', base, { adapter: await modelFile(join(folder, 'b.gguf')) });
      return { runtime, a, b, base, servers, child, folder };
    };

    test('refuses a second adapter on one base, since they would evict each other (needsSwap)', async () => {
      const { runtime, a, b } = await startSeveral(1);
      await runtime.load(a);
      expect(await refusalOf(() => runtime.load(b))).toBe('needsSwap');
      expect((await runtime.loaded()).map(({ key }) => key)).toEqual(['a']);
      await runtime.unload('a');
      await runtime.load(b);
    });

    test('keeps two adapters on one base side by side in two processes', async () => {
      const { runtime, a, b, base } = await startSeveral(2);
      await runtime.load(a);
      await runtime.load(b);
      expect(await refusalOf(() => runtime.load(setOf('c', base)))).toBe('needsSwap');
      const texts = [];
      for (const key of ['a', 'b', 'a', 'b']) texts.push((await replyOf(runtime, ask(key))).text);
      expect(texts[0]).toBe(texts[2]);
      expect(texts[1]).toBe(texts[3]);
      expect(texts[0]).not.toBe(texts[1]);
      expect(await runtime.loaded()).toHaveLength(2);
    });

    test('finds what it stored before, and stores it once, when the agent starts again', async () => {
      const { runtime, a, servers, child } = await startSeveral(2);
      await runtime.load(a);
      const { text } = await replyOf(runtime, ask('a'));
      await runtime.close();
      const again = new OllamaRuntime({
        urls: servers.map(({ url }) => url).reverse(),
        openVocabulary: (file) => openVocabulary(child, file),
        allowUnsafeVersion: true,
      });
      onTestFinished(() => again.close());
      await again.load(a);
      expect((await replyOf(again, ask('a'))).text).toBe(text);
      const stored = await Promise.all(
        servers.map(async ({ url }) => {
          const { models } = (await (await fetch(`${url}/api/tags`)).json()) as { models: unknown[] };
          return models.length;
        }),
      );
      expect(stored.sort((a, b) => a - b)).toEqual([0, 1]);
    });

    const longSet = (base: ModelFile): LoadRequest => setOf('long', base, { contextLength: LONG });

    test('stops working when the caller is gone', async () => {
      const { runtime, base } = await startSeveral(1, {}, 1);
      await runtime.load(longSet(base));
      const stopping = new AbortController();
      const began = performance.now();
      const outcome = await refusalOf(async () => {
        for await (const _ of runtime.generate(askLong({ signal: stopping.signal }))) stopping.abort();
      });
      expect(outcome).toBe('aborted');
      // This Ollama answers one at a time, and the whole of the first reply takes minutes.
      await replyOf(runtime, ask('long', { maxTokens: 2 }));
      expect(performance.now() - began).toBeLessThan(20_000);
    });

    test("tells that its model's process died, and serves the next request (N4)", async () => {
      const { runtime, base, servers } = await startSeveral(1);
      await runtime.load(longSet(base));
      const exits: RuntimeExit[] = [];
      runtime.onExit((exit) => exits.push(exit));
      let isKilled = false;
      const outcome = await refusalOf(async () => {
        for await (const _ of runtime.generate(askLong())) {
          if (!isKilled) await servers[0]?.killRunners();
          isKilled = true;
        }
      });
      expect(outcome).toBe('runtimeExited');
      expect(exits).toEqual([{ at: 'runtime', reason: "Ollama's process for openward-long ended" }]);
      expect((await replyOf(runtime, ask('long', { maxTokens: 2 }))).end.completionTokens).toBe(2);
    });

    test('ends a reply that Ollama breaks off for repeating itself, as one that was cut', async () => {
      const { runtime, base } = await startSeveral(1);
      await runtime.load(longSet(base));
      const { end, text } = await replyOf(runtime, ask('long', { maxTokens: 4_000 }));
      expect(end.finishReason).toBe('length');
      expect(end.completionTokens).toBeLessThan(4_000);
      expect(text).toMatch(/(.)\1{29}$/);
    });

    test('writes no prompt and no reply anywhere', async () => {
      const { runtime, base, folder } = await startSeveral(1);
      await runtime.load(longSet(base));
      const prompt = '<s><usr>xyzzy marker of a patient<ans>';
      const { text } = await replyOf(runtime, ask('long', { prompt, maxTokens: 40 }));
      const files = await readdir(folder, { recursive: true, withFileTypes: true });
      for (const file of files.filter((entry) => entry.isFile())) {
        const bytes = await readFile(join(file.parentPath, file.name));
        for (const secret of ['xyzzy', text]) expect([file.name, bytes.includes(secret)]).toEqual([file.name, false]);
      }
    });

    const isUnsafe = program.version === '0.10.1';
    test.runIf(isUnsafe)('refuses a version with known holes unless it is allowed (N8)', async () => {
      const { runtime, a } = await startSeveral(1, { allowUnsafeVersion: false });
      expect(await refusalOf(() => runtime.load(a))).toBe('runtimeUnsafeVersion');
      expect(await runtime.describe()).toMatchObject({ version: '0.10.1', knownSafe: false, tested: true });
    });

    test('says that Ollama does not answer, and serves once it does', async () => {
      const { runtime, a, servers } = await startSeveral(1);
      await servers[0]?.stop();
      expect(await refusalOf(() => runtime.load(a))).toBe('runtimeUnreachable');
    });
  });
}
