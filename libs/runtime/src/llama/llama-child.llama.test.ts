import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

import { ask, eventually, modelFile, PROMPT, refusalOf, replyOf, setOf } from '../contract.ts';
import { PATIENCE, patienceFor } from '../patience.ts';
import type { ModelFile, RuntimeExit } from '../port.ts';
import { writeTinyModel } from '../tiny-model.ts';
import { Connection } from './connection.ts';
import { exitOf } from './exits.ts';
import { findFencing } from './isolation.ts';
import { LlamaChild, type LlamaChildOptions } from './llama-child.ts';
import { LlamaRuntime, type LlamaRuntimeOptions } from './llama-runtime.ts';
import { openVocabulary } from './vocabulary.ts';

const fencing = await findFencing();

describe('the process that runs llama.cpp', () => {
  let folder: string;
  let models: string;
  let one: ModelFile;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openward-child-'));
    models = join(folder, 'store', 'models');
    await mkdir(models, { recursive: true });
    await mkdir(join(folder, 'keys'));
    await writeTinyModel(join(models, 'one.gguf'), { seed: 1, contextLength: 16_384 });
    one = await modelFile(join(models, 'one.gguf'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const open = (more: Partial<LlamaChildOptions & LlamaRuntimeOptions> = {}) => {
    const child = new LlamaChild({ readable: [models], ...more });
    const runtime = new LlamaRuntime({ child, ...more });
    onTestFinished(async () => {
      await runtime.close();
      await child.close();
    });
    return { child, runtime };
  };

  const pidOf = (child: LlamaChild): number => child.pid ?? expect.fail('it does not run');

  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  const restarted = (child: LlamaChild, before: number): Promise<number> =>
    eventually('a restart', () => (child.pid === before ? undefined : child.pid));

  test('comes back by itself with what it held, as often as it dies', async () => {
    const { child, runtime } = open({ restartDelay: 1 });
    const exits: RuntimeExit[] = [];
    runtime.onExit((exit) => exits.push(exit));
    await runtime.load(setOf('one', one));
    const { text } = await replyOf(runtime, ask('one'));
    for (const deaths of [1, 2]) {
      const before = pidOf(child);
      process.kill(before, 'SIGKILL');
      await restarted(child, before);
      expect((await runtime.loaded()).map(({ key }) => key)).toEqual(['one']);
      expect((await replyOf(runtime, ask('one'))).text).toBe(text);
      expect(exits).toHaveLength(deaths);
      expect(exits.at(-1)).toEqual({ at: 'runtime', reason: 'killed by SIGKILL' });
    }
  });

  test('gives up a set whose file is gone when it comes back', async () => {
    const { child, runtime } = open({ restartDelay: 1 });
    await writeTinyModel(join(models, 'passing.gguf'), { seed: 2 });
    await runtime.load(setOf('one', one));
    await runtime.load(setOf('passing', await modelFile(join(models, 'passing.gguf'))));
    await rm(join(models, 'passing.gguf'));
    const before = pidOf(child);
    process.kill(before, 'SIGKILL');
    await restarted(child, before);
    expect((await runtime.loaded()).map(({ key }) => key)).toEqual(['one']);
    expect(await refusalOf(() => replyOf(runtime, ask('passing')))).toBe('modelNotLoaded');
    expect((await replyOf(runtime, ask('one', { maxTokens: 2 }))).end.completionTokens).toBe(2);
  });

  /** A model that makes llama.cpp divide by nothing, or run out of its arrays: it ends the process that loads it. */
  const killing = async (field: string, value: number): Promise<ModelFile> => {
    const path = join(models, `killing-${field}-${value}.gguf`);
    await writeTinyModel(path, { seed: 3 });
    const bytes = await readFile(path);
    const key = `llama.${field}`;
    bytes.writeUInt32LE(value, bytes.indexOf(key) + key.length + 4);
    await writeFile(path, bytes);
    return modelFile(path);
  };

  test('answers on by the live model while a candidate kills the process that tries it (N9)', async () => {
    const { child, runtime } = open({ restartDelay: 1 });
    const exits: RuntimeExit[] = [];
    runtime.onExit((exit) => exits.push(exit));
    await runtime.load(setOf('live', one));
    const before = pidOf(child);
    const { text } = await replyOf(runtime, ask('live'));
    let answered = 0;
    const isDone = new AbortController();
    const serving = (async () => {
      while (!isDone.signal.aborted) {
        expect((await replyOf(runtime, ask('live'))).text).toBe(text);
        answered += 1;
      }
    })();
    const files = [await killing('attention.head_count', 0), await killing('block_count', 65_535)];
    for (const file of files) {
      const candidate = setOf('candidate', file);
      const answeredBefore = answered;
      expect(await refusalOf(() => runtime.load(candidate))).toBe('modelNotLoadable');
      expect(answered).toBeGreaterThan(answeredBefore);
    }
    isDone.abort();
    await serving;
    expect(exits).toEqual([]);
    expect(pidOf(child)).toBe(before);
  });

  test('tells a load that killed it as not loadable, and comes back without it', async () => {
    const { runtime, child } = open({ restartDelay: 1 });
    const file = await killing('attention.head_count', 0);
    expect(await refusalOf(() => runtime.load(setOf('killing', file)))).toBe('modelNotLoadable');
    expect(await refusalOf(() => runtime.load(setOf('killing', file)))).toBe('modelNotLoadable');
    await runtime.load(setOf('one', one));
    expect((await replyOf(runtime, ask('one', { maxTokens: 2 }))).end.completionTokens).toBe(2);
    expect(pidOf(child)).toBeGreaterThan(0);
  });

  test('tries the same files once, in a process that ends', async () => {
    const { child, runtime } = open();
    const apart = vi.spyOn(child, 'apart');
    await writeTinyModel(join(models, 'second.gguf'), { seed: 4 });
    const second = await modelFile(join(models, 'second.gguf'));
    await runtime.load(setOf('one', one));
    expect(apart).toHaveBeenCalledTimes(0);
    await runtime.load(setOf('second', second));
    await runtime.unload('second');
    await runtime.load(setOf('again', second));
    await runtime.load(setOf('other', one));
    expect(apart).toHaveBeenCalledTimes(1);
  });

  /** Nobody writes to it, so whoever opens it to read waits for ever. */
  const hanging = async (name: string): Promise<ModelFile> => {
    const path = join(models, name);
    await promisify(execFile)('mkfifo', [path]);
    onTestFinished(() => rm(path, { force: true }));
    return { path, digest: `sha256:${'1'.repeat(64)}` };
  };

  test('ends a child that never says that it is ready, and says so', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    expect(await refusalOf(() => Connection.open(child, 200, () => expect.fail('it was never ready')))).toBe(
      'runtimeUnreachable',
    );
    await eventually('its end', () => (child.signalCode === 'SIGKILL' ? true : undefined));
  });

  test('starts another child where one is not ready in time', async () => {
    const { child, runtime } = open({ restartDelay: 1, readyDeadline: 1 });
    expect(await refusalOf(() => runtime.load(setOf('one', one)))).toBe('runtimeUnreachable');
    expect(await refusalOf(() => runtime.load(setOf('one', one)))).toBe('runtimeUnreachable');
    expect(child.pid).toBeUndefined();
  });

  test('ends the trial of a candidate whose load hangs, and answers on by the live model', async () => {
    const { child, runtime } = open({ patience: () => 500 });
    await runtime.load(setOf('live', one));
    const before = pidOf(child);
    const candidate = await hanging('hangs-apart.gguf');
    expect(await refusalOf(() => runtime.load(setOf('candidate', candidate)))).toBe('runtimeFailed');
    expect((await replyOf(runtime, ask('live', { maxTokens: 2 }))).end.completionTokens).toBe(2);
    expect(pidOf(child)).toBe(before);
  });

  test('ends a child that hangs over its first load or over a vocabulary, and loads with the next', async () => {
    const { child, runtime } = open({ restartDelay: 1, patience: (bytes) => (bytes === 0 ? 300 : 60_000) });
    const file = await hanging('hangs.gguf');
    expect(await refusalOf(() => runtime.load(setOf('hanging', file)))).toBe('runtimeFailed');
    await runtime.load(setOf('one', one));
    const before = pidOf(child);
    expect(await refusalOf(() => openVocabulary(child, file))).toBe('runtimeFailed');
    await restarted(child, before);
    expect((await replyOf(runtime, ask('one', { maxTokens: 2 }))).end.completionTokens).toBe(2);
  });

  test('ends the trial of a load that its caller gives up, at once, and the next load need not wait for it', async () => {
    const { child, runtime } = open();
    await runtime.load(setOf('live', one));
    const before = pidOf(child);
    const candidate = await hanging('given-up.gguf');
    const caller = new AbortController();
    const loading = refusalOf(() => runtime.load(setOf('candidate', candidate), caller.signal));
    const waiting = refusalOf(() => runtime.load(setOf('behind', one), caller.signal));
    caller.abort();
    expect([await loading, await waiting]).toEqual(['aborted', 'aborted']);
    await runtime.load(setOf('next', one));
    expect((await runtime.loaded()).map(({ key }) => key)).toEqual(['live', 'next']);
    expect(pidOf(child)).toBe(before);
  });

  test('gives a load more time the larger its files are, and never less than two minutes', async () => {
    expect(PATIENCE(0)).toBe(120_000);
    expect(PATIENCE(5_000_000_000)).toBe(620_000);
    const adapter = { ...one, path: join(models, 'nowhere.gguf') };
    const { size } = await stat(one.path);
    expect(await patienceFor({ base: one, adapter }, (bytes) => bytes)).toBe(size);
    expect(await patienceFor({ base: one, adapter: one }, (bytes) => bytes)).toBe(2 * size);
  });

  test('does not blame a model for a process that was killed from outside', () => {
    expect(exitOf(null, 'SIGABRT')).toMatchObject({ isCrash: true });
    expect(exitOf(134, null)).toMatchObject({ isCrash: true });
    for (const signal of ['SIGKILL', 'SIGTERM']) expect(exitOf(null, signal)).toMatchObject({ isCrash: false });
    expect(exitOf(0, null)).toMatchObject({ isCrash: false });
  });

  test('refuses more requests than may wait', async () => {
    const { runtime } = open({ maxWaiting: 1 });
    await runtime.load(setOf('one', one, { parallel: 1 }));
    const outcomes = await Promise.all([1, 2, 3].map(() => refusalOf(() => replyOf(runtime, ask('one')))));
    expect(outcomes).toEqual(['done', 'done', 'queueFull']);
  });

  test('counts tokens and tells marks by the vocabulary alone, also after it died (G2)', async () => {
    const { child } = open({ restartDelay: 1 });
    const vocabulary = await openVocabulary(child, one);
    expect(vocabulary.marks).toEqual(['<s>', '</s>', '<sys>', '<usr>', '<ans>']);
    expect(await vocabulary.countTokens(PROMPT)).toBe(66);
    const before = pidOf(child);
    process.kill(before, 'SIGKILL');
    await restarted(child, before);
    expect(await vocabulary.countTokens('ab<usr>')).toBe(3);
    await vocabulary.close();
    expect(await refusalOf(() => vocabulary.countTokens('a'))).toBe('closed');
  });

  test('tells each mark that llama.cpp takes for one token, whatever stands beside it, and no ordinary text', async () => {
    const marks = ['<|im_start|>', '<|im_end|>', '<think>'] as const;
    const path = join(models, 'marked.gguf');
    await writeTinyModel(path, {
      seed: 5,
      more: [
        [marks[0], 3],
        [marks[1], 1],
        [marks[2], 4],
        ['<b>', 4],
        ['     ', 4],
        ['nurse', 1],
      ],
    });
    const { child } = open();
    const vocabulary = await openVocabulary(child, await modelFile(path));
    // The second is none by its file: llama.cpp knows it for an end all the same.
    expect(vocabulary.marks.slice(5)).toEqual(marks);
    for (const mark of marks) expect(await vocabulary.countTokens(`a${mark}b `)).toBe(4);
    expect(await vocabulary.countTokens('<|IM_START|>')).toBe(12);
    await vocabulary.close();
  });

  test('says that a file has no vocabulary', async () => {
    const { child } = open();
    expect(await refusalOf(async () => openVocabulary(child, { ...one, digest: `sha256:${'0'.repeat(64)}` }))).toBe(
      'digestMismatch',
    );
  });

  test('ends when the agent is killed, in the middle of a reply', async () => {
    const script = join(import.meta.dirname, 'agent-to-kill.ts');
    const agent = spawn(process.execPath, [script, one.path, one.digest], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    agent.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const pid = Number(await eventually('a reply that began', () => /^answering (\d+)$/m.exec(said)?.[1]));
    expect(isAlive(pid)).toBe(true);
    agent.kill('SIGKILL');
    await eventually('its end', () => (isAlive(pid) ? undefined : true), 5_000);
  });

  describe.runIf(process.platform === 'linux')('on Linux', () => {
    test('has nothing of the environment of the agent, and writes nowhere', async () => {
      const { child, runtime } = open();
      process.env['OPENWARD_TEST_SECRET'] = 'secret';
      onTestFinished(() => void delete process.env['OPENWARD_TEST_SECRET']);
      await runtime.describe();
      expect(await readFile(`/proc/${pidOf(child)}/environ`, 'utf8')).not.toContain('secret');
      const outputs = [1, 2].map((descriptor) => readlink(`/proc/${pidOf(child)}/fd/${descriptor}`));
      expect(await Promise.all(outputs)).toEqual(['/dev/null', '/dev/null']);
    });

    test('may start no process', async () => {
      const { child, runtime } = open();
      await runtime.describe();
      const started = await readFile(`/proc/${pidOf(child)}/cmdline`, 'utf8');
      expect(started).toContain('--permission');
      expect(started).not.toContain('--allow-child-process');
    });

    test('dumps no core, and has no network where the platform allows it (N9)', async (context) => {
      const { child, runtime } = open();
      const { isolation } = await runtime.describe();
      const holds = (name: string): boolean => isolation.some((measure) => measure.name === name && measure.holds);
      expect(await readFile(`/proc/${pidOf(child)}/limits`, 'utf8')).toMatch(/Max core file size +0 +0/);
      expect(holds('noNetwork')).toBe(fencing.network);
      context.skip(!fencing.network, 'This system gives this user no network namespace.');
      const own = await readlink('/proc/self/ns/net');
      expect(await readlink(`/proc/${pidOf(child)}/ns/net`)).not.toBe(own);
      expect((await readFile(`/proc/${pidOf(child)}/net/dev`, 'utf8')).match(/^ *\w+:/gm)).toEqual(['    lo:']);
    });

    test("sees nothing of the agent's folder but the models, and serves them (N9)", async (context) => {
      const { child, runtime } = open({ hidden: [folder] });
      const { isolation } = await runtime.describe();
      expect(isolation.find(({ name }) => name === 'limitedFiles')?.holds).toBe(fencing.folders);
      context.skip(!fencing.folders, 'This system allows this user no mounts.');
      await runtime.load(setOf('one', one));
      expect((await replyOf(runtime, ask('one'))).text).toMatch(/^[a-z ]+$/);
      const seen = `/proc/${pidOf(child)}/root${folder}`;
      expect(await readdir(seen)).toEqual(['store']);
      expect(await readdir(join(seen, 'store'))).toEqual(['models']);
    });

    test('says that nothing is hidden where no folder was named', async () => {
      const { runtime } = open();
      const { isolation } = await runtime.describe();
      expect(isolation.find(({ name }) => name === 'limitedFiles')?.holds).toBe(false);
    });
  });
});
