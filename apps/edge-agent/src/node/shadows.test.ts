import type { Attempt, Held, Progress } from '@openward/activation';
import { digestOf } from '@openward/contracts';
import { openNodeDatabase, SqliteShadows } from '@openward/persistence/node';
import { NO_SITE_TERMS } from '@openward/policy';
import { beforeEach, expect, test } from 'vitest';
import { compiledPolicy } from '../gateway/compiled.ts';
import { policyOf } from './policy.fixture.ts';
import { Shadows } from './shadows.ts';

const DAY = 86_400_000;
const next = policyOf({ revision: 2 });
const candidate = { release: digestOf('next'), number: 4 } as Held;
const attemptAt = (at: Progress['at'], id = 'as-4') =>
  ({
    assignment: { id, release: { number: 4 } },
    consent: { prepare: null },
    progress: { at, candidate },
  }) as unknown as Attempt;

let database: ReturnType<typeof openNodeDatabase>;
let now: number;
let attempt: Attempt | null | 'starting';
let warned: string[];
let compile: (policy: typeof next) => ReturnType<typeof compiledPolicy>;
beforeEach(() => {
  database = openNodeDatabase(':memory:');
  now = 1000;
  warned = [];
  attempt = attemptAt('evaluated');
  compile = (policy) => compiledPolicy(policy, NO_SITE_TERMS);
});

const shadows = () =>
  new Shadows({
    store: new SqliteShadows(database),
    attemptOf: () => attempt,
    policyOf: () => Promise.resolve(next),
    compile: (policy) => compile(policy),
    wall: () => now,
    log: { warn: (event) => void warned.push(event) },
  });
const start = (changes: object = {}) => ({ service: 'triage', until: now + 7 * DAY, by: 'Dr. Osei', ...changes });

test('the next policy runs beside, by name, and goes on after a start with the policy itself', async () => {
  const first = shadows();
  expect(first.shadowOf('triage')).toBeNull();
  await first.start(start({ release: 4 }));
  expect(first.shadowOf('triage')?.compiled.policy).toEqual(next);
  expect(first.shadowOf('summary')).toBeNull();
  attempt = 'starting';
  const again = shadows();
  expect(again.shadowOf('triage')).toBeNull();
  attempt = attemptAt('evaluated');
  expect(again.shadowOf('triage')?.compiled.policy).toEqual(next);
  expect(again.list()).toMatchObject([{ by: 'Dr. Osei', number: 4, until: 1000 + 7 * DAY, ended: null }]);
});

test('N2 where nothing is fetched yet a person is told to accept the fetch first, or that it is on its way', async () => {
  attempt = attemptAt('offered');
  await expect(shadows().start(start())).rejects.toMatchObject({
    code: 'shadowRefused',
    message: expect.stringMatching(/^Release 4 of triage is not fetched.*openward node accept triage/) as string,
  });
  attempt = { ...attempt, consent: { ...attempt.consent, prepare: { holdResult: false } } };
  await expect(shadows().start(start())).rejects.toThrow('on its way');
});

test.for([
  ['offered', 'shadowRefused'],
  ['activated', 'shadowRefused'],
  ['committed', 'shadowRefused'],
  ['ended', 'shadowRefused'],
] as const)('only a release that waits here runs in shadow: not one that is %s', async ([at, code]) => {
  attempt = attemptAt(at);
  await expect(shadows().start(start())).rejects.toMatchObject({ code });
});

test('it is refused for another release, a time that is past, and more than 30 days', async () => {
  await expect(shadows().start(start({ release: 3 }))).rejects.toMatchObject({ code: 'shadowRefused' });
  await expect(shadows().start(start({ until: now }))).rejects.toMatchObject({ code: 'badRequest' });
  await expect(shadows().start(start({ until: now + 30 * DAY + 1 }))).rejects.toMatchObject({ code: 'badRequest' });
  await shadows().start(start({ until: now + 30 * DAY }));
});

test.for([
  ['its date comes', 'until', (): void => void (now += 7 * DAY)],
  ['its release goes active', 'activated', (): void => void (attempt = attemptAt('activated'))],
  ['the attempt ends', 'attemptEnded', (): void => void (attempt = attemptAt('ended'))],
  ['another attempt takes its place', 'attemptEnded', (): void => void (attempt = attemptAt('staged', 'as-5'))],
  ['nothing is offered any more', 'attemptEnded', (): void => void (attempt = null)],
] as const)('it ends by itself when %s, whether or not anybody asks the service', async ([, why, happen]) => {
  const asked = shadows();
  await asked.start(start());
  happen();
  expect(asked.shadowOf('triage')).toBeNull();
  expect(asked.list()[0]?.ended).toMatchObject({ why });
  // Another start finds it ended, and nothing brings it back.
  attempt = attemptAt('evaluated');
  expect(shadows().shadowOf('triage')).toBeNull();
});

test('a request waits for no disk, and an end that cannot be written is written the next time', async () => {
  const ends: string[] = [];
  let isFull = true;
  const store = new SqliteShadows(database);
  const running = new Shadows({
    store: {
      start: (shadow) => store.start(shadow),
      open: () => store.open(),
      list: (most) => store.list(most),
      end: (service, why, at) => {
        ends.push(why);
        if (isFull) throw new Error('the disk is full');
        store.end(service, why, at);
      },
    },
    attemptOf: () => attempt,
    policyOf: () => Promise.resolve(next),
    compile: (policy) => compile(policy),
    wall: () => now,
    log: { warn: (event) => void warned.push(event) },
  });
  await running.start(start());
  now += 7 * DAY;
  expect(running.shadowOf('triage')).toBeNull();
  expect(ends).toEqual([]);
  expect(() => running.sweep()).toThrow('the disk is full');
  isFull = false;
  running.sweep();
  running.sweep();
  expect(ends).toEqual(['until', 'until']);
  expect(store.open()).toEqual([]);
});

test('a person ends it, once', async () => {
  const running = shadows();
  await running.start(start());
  running.stop('triage');
  expect(running.shadowOf('triage')).toBeNull();
  expect(running.list()[0]?.ended).toMatchObject({ why: 'stopped' });
  expect(() => running.stop('triage')).toThrow('Nothing runs in shadow');
});

test('terms of the site that its policy cannot be made ready with harm nobody: it counts nothing', async () => {
  const running = shadows();
  await running.start(start());
  const works = compile;
  compile = () => {
    throw new Error('the pattern does not fit');
  };
  running.recompile();
  expect(running.shadowOf('triage')).toBeNull();
  expect(warned).toEqual(['policy.shadowDoesNotFit']);
  expect(running.list()[0]?.ended).toBeNull();
  compile = works;
  running.recompile();
  expect(running.shadowOf('triage')).not.toBeNull();
});
