import type { Log } from '@openward/contracts';
import { RuntimeRefusal, type RuntimeDescription } from '@openward/runtime';
import { expect, test } from 'vitest';
import { keepDescription } from './description.ts';

const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
const said: RuntimeDescription = { kind: 'ollama', version: '0.17.1', knownSafe: true, tested: true, isolation: [] };
const down = () => Promise.reject(new RuntimeRefusal('runtimeUnreachable', 'it does not answer'));

test('a runtime that is down before it ever answered is described with an unknown version, not with an error', async () => {
  const described = keepDescription({ kind: 'ollama', describe: down }, log);
  expect(await described()).toMatchObject({ kind: 'ollama', version: 'unknown', knownSafe: false });
});

test('a runtime that went away is described as it last was', async () => {
  const answers = [() => Promise.resolve(said), down];
  const described = keepDescription({ kind: 'ollama', describe: () => (answers.shift() ?? down)() }, log);
  expect(await described()).toEqual(said);
  expect(await described()).toEqual(said);
});

test('a runtime that never answers holds no state back', async () => {
  const described = keepDescription({ kind: 'llamaCpp', describe: () => new Promise(() => undefined) }, log, 1);
  expect(await described()).toMatchObject({ kind: 'llamaCpp', version: 'unknown', knownSafe: true });
});

test('the runtime is asked before anybody wants to know, and again each time after the first', async () => {
  let asked = 0;
  const describe = (): Promise<RuntimeDescription> => Promise.resolve({ ...said, version: `0.17.${(asked += 1)}` });
  const described = keepDescription({ kind: 'ollama', describe }, log);
  expect(asked).toBe(1);
  expect(await described()).toMatchObject({ version: '0.17.1' });
  expect(await described()).toMatchObject({ version: '0.17.2' });
});
