import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Held } from '@openward/activation';
import { digestOf, type Release } from '@openward/contracts';
import type { NodeStore } from '@openward/distribution';
import type { LoadRequest, Runtime, RuntimeExit } from '@openward/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import type { Documents } from './documents.ts';
import { createModelRuntime, keyOf } from './model-runtime.ts';

const artifact = (name: string) => ({ family: 'f', manifest: digestOf(`${name} m`), file: digestOf(name), size: 1 });
const base = artifact('base');
const held = (key: string, chain: Held['chain'] = null): Held => ({
  key,
  release: digestOf(key),
  number: 1,
  variant: 'v',
  document: artifact(`${key} document`),
  artifact: artifact(`${key} adapter`),
  base,
  chain,
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openward-models-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function models() {
  const vocabularies = { opened: 0, closed: 0 };
  const removed: string[] = [];
  const inMemory = new Set<string>();
  const signals: (AbortSignal | undefined)[] = [];
  const logged: [string, unknown][] = [];
  let exits: (exit: RuntimeExit) => void = () => {};
  const runtime = {
    load: ({ key, base: file, adapter }: LoadRequest, signal?: AbortSignal) => {
      signals.push(signal);
      inMemory.add(key);
      return Promise.resolve({ key, base: file.digest, memoryBytes: 1, ...(adapter && { adapter: adapter.digest }) });
    },
    unload: () => Promise.resolve(),
    remove: (key: string) => Promise.resolve(void removed.push(key)),
    onExit: (listener: (exit: RuntimeExit) => void) => {
      exits = listener;
      return () => {};
    },
  } as unknown as Runtime;
  const created = createModelRuntime({
    runtimes: {
      runtime,
      openVocabulary: () => {
        vocabularies.opened++;
        return Promise.resolve({
          marks: ['<mark>'],
          countTokens: () => Promise.resolve(1),
          close: () => Promise.resolve(void vocabularies.closed++),
        });
      },
      close: () => Promise.resolve(),
    },
    store: { find: (file: string) => Promise.resolve(`/${file}`) } as unknown as NodeStore,
    documents: {
      release: () => Promise.resolve({ model: { contextLength: 64 } } as Release),
    } as unknown as Documents,
    config: readConfig(dir),
    log: { info: () => {}, warn: () => {}, error: (event, fields) => void logged.push([event, fields]) },
  });
  return { created, vocabularies, removed, inMemory, signals, logged, exits: (exit: RuntimeExit) => exits(exit) };
}

const never = new AbortController().signal;

test('G2 a vocabulary is closed when the last key that it counts for is unloaded, and not before', async () => {
  const { created, vocabularies } = models();
  await created.load(held('one'), never);
  await created.load(held('two'), never);
  await created.unload('one');
  expect(vocabularies).toEqual({ opened: 1, closed: 0 });
  await created.unload('two');
  expect(vocabularies).toEqual({ opened: 1, closed: 1 });
  expect(created.size).toBe(0);
  await created.load(held('one'), never);
  expect(vocabularies.opened).toBe(2);
});

test('N7 what an earlier start stored in the runtime is known after a start, until it is removed', async () => {
  const { created } = models();
  await created.load(held('one'), never);
  await created.load(held('two'), never);
  const { created: again, removed } = models();
  expect(again.keys()).toEqual(['one', 'two']);
  await again.remove('one');
  expect(removed).toEqual(['one']);
  expect(again.keys()).toEqual(['two']);
  expect(models().created.keys()).toEqual(['two']);
});

test('N8 a reference that the runtime holds with other files than were staged answers nothing', async () => {
  const { created } = models();
  const staged = { base: base.file, adapter: digestOf('one adapter') };
  expect(await created.ensure(held('one', staged))).toBe('one');
  const other = held('one', { ...staged, adapter: digestOf('other') });
  await expect(created.ensure(other)).rejects.toMatchObject({ code: 'digestMismatch' });
});

test('a release that changes nothing but its policy is the same model to the runtime, and another context is another', async () => {
  const { created, vocabularies, inMemory } = models();
  const files = { artifact: artifact('one adapter'), base, contextLength: 64 };
  const before = { ...held('one'), key: keyOf(files) };
  const after = { ...before, release: digestOf('another policy'), number: 2, document: artifact('another document') };
  expect(keyOf({ ...after, contextLength: 64 })).toBe(before.key);
  await created.load(before, never);
  await created.load(after, never);
  expect(await created.ensure(after)).toBe(before.key);
  expect([...inMemory]).toEqual([before.key]);
  expect([created.size, vocabularies.opened]).toEqual([1, 1]);
  const others = [
    { ...files, contextLength: 128 },
    { ...files, artifact: base },
    { ...files, base: undefined },
  ];
  expect(new Set([files, ...others].map(keyOf)).size).toBe(4);
});

test('a load that the reconciler gives up is given up in the runtime too', async () => {
  const { created, signals } = models();
  const { signal } = new AbortController();
  await created.load(held('one'), signal);
  expect(signals).toEqual([signal]);
});

test('why the runtime ended stands in the log of the node, and N4 counts that it did', () => {
  const { created, logged, exits } = models();
  let counted = 0;
  created.onExit(() => (counted += 1));
  exits({ at: 'runtime', reason: 'killed by SIGSEGV' });
  expect(logged).toEqual([['runtime.exited', { reason: 'killed by SIGSEGV' }]]);
  expect(counted).toBe(1);
});
