import { expect, test } from 'vitest';
import { WAYS } from './clients.fixture.ts';
import { annotate, block, clinic, input, output, serve } from './clinic.fixture.ts';
import { until } from './release.fixture.ts';

// What a log line may say of a policy.

test('a log line says of the policy what the policy lets it say, and never a text', async () => {
  const { url, seen } = await serve(clinic([input(annotate)], { log: ['ruleIds'] }));
  await WAYS['openai, whole']!(url, [{ role: 'user', content: 'ann@home.org' }]);
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ policy: { ruleIds: ['in'] }, action: 'annotate' });
  expect(JSON.stringify(seen)).not.toContain('home');
});

test('of a rule that failed on the reply, a log says so beside what hit before', async () => {
  const { url, seen, site, runtime } = await serve(clinic([input(annotate), output(block)]));
  runtime.pieces = ['ann@home.org'];
  const gate = Promise.withResolvers<void>();
  runtime.gate = gate.promise;
  const asked = WAYS['openai, whole']!(url, [{ role: 'user', content: 'ann@home.org' }]);
  asked.catch(() => undefined);
  await until(() => runtime.asked.length === 1);
  site.clockStepMs = 5_000;
  gate.resolve();
  await expect(asked).rejects.toMatchObject({ code: 'policyFailed' });
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ action: 'failed', policy: { action: 'failed', ruleIds: ['in'], language: 'en' } });
});

test.each([
  [[], {}],
  [['action', 'language'], {}],
  [['ruleIds'], { rule: 'in' }],
] as const)('that a rule failed is always logged, and which only where the policy lets it: %j', async (log, rule) => {
  const { url, told, site, seen } = await serve(clinic([input(annotate)], { log: [...log] }));
  site.clockStepMs = 5_000;
  await expect(WAYS['openai, whole']!(url, [{ role: 'user', content: 'ann@home.org' }])).rejects.toMatchObject({
    code: 'policyFailed',
  });
  await until(() => seen.length === 1);
  const reference = expect.any(String) as string;
  const why = { reference, service: 'triage', policy: 'clinic@3', name: 'OverTime', code: null };
  expect(told).toEqual([['warn', 'gateway.policyFailed', { ...why, ...rule }]]);
});

test.each([
  [[], null],
  [['ruleIds', 'language'], null],
  [['action'], { action: 'refused' }],
] as const)(
  'that a request was refused before any rule is logged where the policy lets it: %j',
  async (log, policy) => {
    const { url, seen } = await serve(clinic([input(annotate)], { log: [...log], controlCharacters: 'refuse' }));
    await expect(WAYS['openai, whole']!(url, [{ role: 'user', content: 'a\u0000b' }])).rejects.toMatchObject({
      code: 'controlCharacters',
    });
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ action: 'refused', policy });
  },
);

test('a policy without a log, or a conversation without a hit, adds nothing to a log', async () => {
  const { url, seen } = await serve(clinic([input(annotate)], { log: [] }));
  await WAYS['openai, whole']!(url, [{ role: 'user', content: 'ann@home.org' }]);
  await WAYS['openai, whole']!(url, [{ role: 'user', content: 'hi' }]);
  await until(() => seen.length === 2);
  expect(seen.map(({ policy }) => policy)).toEqual([null, null]);
});
