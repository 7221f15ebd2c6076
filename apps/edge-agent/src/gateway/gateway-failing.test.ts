import { describe, expect, test } from 'vitest';
import { postChat, WAYS } from './clients.fixture.ts';
import { annotate, block, clinic, EMAIL, escalate, input, output, redact, serve } from './clinic.fixture.ts';
import { policyWith, shortly, soakOf, words } from './policy.fixture.ts';
import { until } from './release.fixture.ts';

// What a client is told where a rule, the runtime or the policy’s own time fails: the fallback, and a red flag before it.

describe('a rule that cannot be applied', () => {
  const FAILED = expect.stringMatching(/could not be applied.* Call 112\./s) as string;
  const ask = (url: string, stream: boolean) =>
    postChat(url, { messages: [{ role: 'user', content: 'ann@home.org' }], stream });

  test.each([
    ['on input', clinic([input(annotate)]), false],
    ['on output', clinic([output(block)]), false],
    ['on output, held back', clinic([output(block)]), true],
    ['on output, in a window', clinic([output(redact)]), true],
  ] as const)('%s: 503, the service’s fallback, a count, and the site is told', async (_, policy, stream) => {
    const { url, site, counts, seen, served, runtime } = await serve(policy);
    runtime.pieces = ['it is ann', '@home.org'];
    site.clockStepMs = 5_000;
    const answer = await ask(url, stream);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-openward-code')).toBe('policyFailed');
    expect(await answer.json()).toMatchObject({ error: { code: 'policyFailed', message: FAILED } });
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ status: 503, action: 'failed' });
    const rule = policy.rules[0]!.id;
    expect(counts.troubles(() => policy)).toMatchObject([
      { service: 'triage', id: 'clinic', revision: 3, rule, times: 1 },
    ]);
    expect(shortly(counts.take())).toContain(`${rule} enforce failed 1`);
    expect(await soakOf(served)).toBe('over');
    // Before the end of a soak it ends none: the network would see when such a question was asked.
    expect(await soakOf(served, false)).toBe('ok');
  });

  test('after the first byte it is an event of the stream, and nothing follows', async () => {
    const { url, site, runtime, seen, served } = await serve(clinic([output(redact)]));
    const gate = Promise.withResolvers<void>();
    runtime.gate = gate.promise;
    runtime.pieces = [`early ${'x y '.repeat(200)}`, `${'z '.repeat(300)} ann@home.org end`];
    const answer = await ask(url, true);
    expect(answer.status).toBe(200);
    site.clockStepMs = 5_000;
    gate.resolve();
    const said = await answer.text();
    expect(said).toContain('early');
    expect(said).toContain('"code":"policyFailed"');
    expect(said).not.toContain('[DONE]');
    expect(said).not.toContain('end');
    await until(() => seen.length === 1);
    expect(await soakOf(served)).toBe('over');
    expect(await soakOf(served, false)).toBe('ok');
    expect(seen[0]).toMatchObject({ status: 503, action: 'failed' });
  });
});

test('a red flag in a question is told where another rule of questions fails, whichever stands first', async () => {
  const chest = words('chest pain');
  const { url, site, seen, counts } = await serve(
    clinic([{ ...input(annotate, EMAIL, 'mail'), timeLimitMs: 5 }, input(escalate, chest, 'flag')]),
  );
  const content = 'chest pain, ann@home.org';
  // Time enough for the one, and not for the other.
  site.clockStepMs = 20;
  await expect(WAYS['openai, whole']!(url, [{ role: 'user', content }])).rejects.toMatchObject({
    code: 'policyFailed',
    message: expect.stringMatching(/^(503 )?Call 112 now\.\n\n.*Call 112\.$/s),
  });
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ status: 503, action: 'failed', policy: { ruleIds: ['flag'] } });
  // A site reads in its counts what a client was told.
  expect(shortly(counts.take())).toEqual([
    '* input enforce judged 1',
    'flag enforce escalate 1',
    'mail enforce failed 1',
  ]);
});

test('a red flag in a reply is told and counted where another rule of replies fails', async () => {
  const chest = words('chest pain');
  const { url, runtime, site, seen, counts } = await serve(
    clinic([{ ...output(block, EMAIL, 'mail'), timeLimitMs: 5 }, output(escalate, chest, 'flag')]),
  );
  runtime.pieces = ['chest pain, ann@home.org'];
  const gate = Promise.withResolvers<void>();
  runtime.gate = gate.promise;
  const asked = WAYS['openai, whole']!(url, [{ role: 'user', content: 'hi' }]);
  asked.catch(() => undefined);
  await until(() => runtime.asked.length === 1);
  site.clockStepMs = 20;
  gate.resolve();
  await expect(asked).rejects.toMatchObject({ message: expect.stringMatching(/^(503 )?Call 112 now\.\n\n/) });
  await until(() => seen.length === 1);
  expect(shortly(counts.take())).toEqual([
    '* input enforce judged 1',
    '* output enforce judged 1',
    'flag enforce escalate 1',
    'mail enforce failed 1',
  ]);
});

test.each(['openai, streamed', 'ollama, streamed'])(
  'a red flag in a question is told where the runtime ends without a word: %s',
  async (way) => {
    const { url, runtime } = await serve(clinic([input(escalate)]));
    runtime.generate = async function* () {};
    await expect(WAYS[way]!(url, [{ role: 'user', content: 'ann@home.org' }])).rejects.toThrow(/Call 112 now\.\n\n/);
  },
);

test('a red flag in a question is told also where the runtime, or a rule of the reply, then fails', async () => {
  const { url, runtime, site, seen, told } = await serve(clinic([input(escalate), output(block)]));
  const ask = () => WAYS['openai, streamed']!(url, [{ role: 'user', content: 'ann@home.org' }]);
  runtime.pieces = [];
  runtime.generate = () => {
    throw new Error(`native crash at ann@home.org`);
  };
  for (const _ of [1, 2, 3])
    await expect(ask()).rejects.toMatchObject({ status: 500, message: expect.stringContaining('Call 112 now.\n\n') });
  await until(() => seen.length === 3);
  expect(seen.map(({ action }) => action)).toEqual(['escalate', 'escalate', 'escalate']);
  // Each is found again by the reference that its client was told, and no word of its conversation is.
  const reference = /reference is ([0-9a-f-]{36})/.exec(
    String((await ask().catch((error: unknown) => error)) as Error),
  )![1];
  expect(told.at(-1)).toEqual(['error', 'gateway.failed', { reference, service: 'triage', name: 'Error', code: null }]);
  expect(JSON.stringify(told)).not.toContain('home');
  runtime.generate = async function* () {
    site.clockStepMs = 5_000;
    yield { type: 'text', text: 'bob@home.org' };
    yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
  };
  await expect(ask()).rejects.toMatchObject({
    code: 'policyFailed',
    message: expect.stringMatching(/Call 112 now\.\n\n.*Call 112\.$/s),
  });
});

describe('a policy that has expired', () => {
  const expired = policyWith({ expires: '2026-02-28T00:00:00.000Z' });
  test('goes on, or answers with the fallback, as the site chose; and says nothing of the release', async () => {
    const { url, site, served } = await serve(expired);
    const ask = WAYS['openai, whole']!;
    expect((await ask(url, [{ role: 'user', content: 'hi' }])).text).toBe('ok');
    site.onExpiry = 'fallback';
    await expect(ask(url, [{ role: 'user', content: 'hi' }])).rejects.toMatchObject({
      status: 503,
      code: 'policyExpired',
      message: expect.stringContaining('Call 112.'),
    });
    expect(await soakOf(served)).toBe('ok');
  });
});

test.each(['policyFailed', 'policyExpired', 'halted'] as const)(
  'the fallback text of %s tells the site’s own emergency number, as it is now',
  async (code) => {
    const { url, site, served } = await serve(clinic([input(annotate)], { expires: '2026-02-01T00:00:00Z' }));
    if (code === 'policyFailed') site.clockStepMs = 5_000;
    if (code === 'policyExpired') site.onExpiry = 'fallback';
    if (code === 'halted') await served.stop('triage', 'halted', null);
    for (const [number, text] of [
      ['117', 'Call 117.'],
      ['0800 999', 'Call 0800 999.'],
    ] as const) {
      site.terms = { recordNumber: null, variables: { emergencyNumber: number } };
      const answer = await postChat(url, { messages: [{ role: 'user', content: 'hi' }] });
      expect(answer.headers.get('x-openward-code')).toBe(code);
      expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining(text) as string } });
    }
  },
);
