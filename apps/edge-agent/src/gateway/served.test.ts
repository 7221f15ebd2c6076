import type { Held } from '@openward/activation';
import { plainPolicy, type Release } from '@openward/contracts';
import { NO_SITE_TERMS } from '@openward/policy';
import { expect, test } from 'vitest';
import { compiledPolicy } from './compiled.ts';
import { ServedReleases } from './served.ts';

const held = (number: number) => ({ key: `key-${number}`, release: `sha256:${number}`, number }) as Held;
const release = { service: { name: 'triage', fallbackText: 'Call 112.' }, policy: plainPolicy('') } as Release;
const servedReleases = (
  releaseOf: (held: Held) => Promise<Release> = () => Promise.resolve(release),
  terms = NO_SITE_TERMS,
  from: Held | null = null,
) =>
  new ServedReleases({
    releaseOf,
    cameFrom: () => from,
    compile: (policy) => compiledPolicy(policy, NO_SITE_TERMS),
    terms: () => terms,
    drainMs: 60_000,
    now: () => 0,
  });

/** Whether it has resolved when everything that could go on has gone on. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('N5 a service is stopped while the disk with its fallback text does not answer', async () => {
  const served = servedReleases(() => new Promise(() => undefined));
  expect(await isSettled(served.stop('triage', 'halted', held(1)))).toBe(true);
  await expect(served.lease('triage')).rejects.toMatchObject({ code: 'halted' });
});

test('N5 whoever asks a halted service just after a start is told its fallback text, however slowly that is read', async () => {
  const read = Promise.withResolvers<Release>();
  const served = servedReleases(() => read.promise);
  await served.stop('triage', 'halted', held(1));
  const asked = served.lease('triage');
  read.resolve(release);
  await expect(asked).rejects.toMatchObject({
    code: 'halted',
    message: 'The service triage is halted at this site. Call 112.',
  });
});

test('N5 whoever asks a service whose release was recalled is told that it was taken back', async () => {
  const served = servedReleases();
  await served.switchTo('triage', held(1));
  await served.stop('triage', 'recalled', null);
  await expect(served.lease('triage')).rejects.toMatchObject({
    code: 'notServing',
    message: 'The release of the service triage was taken back. Call 112.',
    next: expect.stringContaining('recalled') as string,
  });
});

test.for([
  ['a halt and a resume', (served: ServedReleases) => served.stop('triage', 'halted', null)],
  ['a switch away and back', (served: ServedReleases) => served.switchTo('triage', held(2))],
] as const)('a drain waits for a request from before %s, and the counts begin anew', async ([, leave]) => {
  const served = servedReleases();
  await served.switchTo('triage', held(1));
  (await served.lease('triage')).end('failed');
  const inFlight = await served.lease('triage');
  await leave(served);
  await served.switchTo('triage', held(1));
  expect(await served.judge('triage', held(1), { final: true, errorShare: 0, minRequests: 1, minFailed: 1 })).toBe(
    'tooFewRequests',
  );
  const drained = served.drain('key-1');
  expect(await isSettled(drained)).toBe(false);
  inFlight.end('ok');
  await drained;
});

test('a change of policy alone is a switch: another release on one model, counted apart, and the model drained of both', async () => {
  const served = servedReleases();
  const other = { ...held(2), key: held(1).key };
  await served.switchTo('triage', held(1));
  const inFlight = await served.lease('triage');
  await served.switchTo('triage', other);
  const next = await served.lease('triage');
  expect([inFlight.held.release, next.held.release]).toEqual([held(1).release, other.release]);
  next.end('failed');
  const limits = { final: true, errorShare: 0, minRequests: 1, minFailed: 1 };
  expect(await served.judge('triage', held(1), limits)).toBe('tooFewRequests');
  expect(await served.judge('triage', other, limits)).toBe('over');
  const drained = served.drain(other.key);
  expect(await isSettled(drained)).toBe(false);
  inFlight.end('ok');
  await drained;
});

test('of a release that was left, counts are kept until its last request, and then no longer', async () => {
  const served = servedReleases();
  const limits = { final: true, errorShare: 0, minRequests: 1, minFailed: 1 };
  const verdict = () => served.judge('triage', held(1), limits);
  await served.switchTo('triage', held(1));
  const inFlight = await served.lease('triage');
  (await served.lease('triage')).end('failed');
  await served.switchTo('triage', held(2));
  expect(await verdict()).toBe('over');
  inFlight.end('ok');
  expect(await verdict()).toBe('tooFewRequests');
  // What is stopped may be resumed, and is still what its service stands on.
  (await served.lease('triage')).end('failed');
  await served.stop('triage', 'halted', null);
  expect(await served.judge('triage', held(2), limits)).toBe('over');
});

test('R3 requests are counted by application, and one whose requests are refused does not decide for the others', async () => {
  const served = servedReleases();
  await served.switchTo('triage', held(1));
  const asks = async (application: string, outcome: 'ok' | 'refused', times: number): Promise<void> => {
    for (let n = 0; n < times; n++) (await served.lease('triage', application)).end(outcome);
  };
  const limits = { final: true, errorShare: 0.05, minRequests: 20, minFailed: 3 };
  await asks('careless', 'refused', 50);
  expect(await served.judge('triage', held(1), limits)).toBe('over');
  await asks('careless', 'ok', 50);
  await asks('careful', 'ok', 20);
  expect(await served.judge('triage', held(1), limits)).toBe('ok');
  await asks('third', 'refused', 20);
  expect(await served.judge('triage', held(1), limits)).toBe('over');
});

test('R3 after a start the release before is the one that the journal names, and none where that cannot be read', async () => {
  const first = { ...release, parameters: { maxTokens: 1 } } as Release;
  for (const [reading, before] of [
    [() => Promise.resolve(first), first],
    [() => Promise.reject(new Error('the disk')), undefined],
  ] as const) {
    const releaseOf = ({ number }: Held): Promise<Release> => (number === 1 ? reading() : Promise.resolve(release));
    const served = servedReleases(releaseOf, NO_SITE_TERMS, held(1));
    await served.switchTo('triage', held(2));
    expect((await served.lease('triage')).before?.release).toBe(before);
  }
});

test('R3 the release before is the one that was left, also after a halt and a resume', async () => {
  const first = { ...release, parameters: { maxTokens: 1 } } as Release;
  const served = servedReleases(() => Promise.resolve(first));
  await served.switchTo('triage', held(1));
  expect((await served.lease('triage')).before).toBeNull();
  await served.switchTo('triage', held(2));
  await served.stop('triage', 'halted', null);
  await served.switchTo('triage', held(2));
  expect((await served.lease('triage')).before?.release).toBe(first);
});

const localised = {
  ...release,
  service: {
    ...release.service,
    fallbackText: 'In an emergency call {{emergencyNumber}}.',
    variables: [{ name: 'emergencyNumber', description: 'd', default: '112', setBySite: true }],
  },
} as Release;
const own = (emergencyNumber: string) => ({ ...NO_SITE_TERMS, variables: { emergencyNumber } });

test.each([
  ['its own', own('117'), 'In an emergency call 117.'],
  ['the default, where it has none', NO_SITE_TERMS, 'In an emergency call 112.'],
  ['the default where what is stored for it names a variable', own('{{emergencyNumber}}'), 'In an emergency call 112.'],
])('N5 a stopped service tells the emergency number of the site: %s', async (_, terms, text) => {
  const served = servedReleases(() => Promise.resolve(localised), terms);
  await served.switchTo('triage', held(1));
  expect((await served.lease('triage')).fallbackText()).toBe(text);
  for (const why of ['halted', 'recalled'] as const) {
    await served.stop('triage', why, null);
    await expect(served.lease('triage')).rejects.toMatchObject({ message: expect.stringContaining(text) as string });
  }
});

test('N5 a fallback text without variables is told as it is written, and so is one that names what is not declared', async () => {
  const written = 'Call {{emergencyNumber}} or {{ 112 }}.';
  for (const variables of [undefined, []]) {
    const service = { ...release.service, fallbackText: written, variables };
    const served = servedReleases(() => Promise.resolve({ ...release, service } as Release), own('117'));
    await served.switchTo('triage', held(1));
    expect((await served.lease('triage')).fallbackText()).toBe(written);
  }
});
