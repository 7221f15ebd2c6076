import type { PromptPolicy } from '@openward/contracts';
import { NO_SITE_TERMS } from '@openward/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { postChat, WAYS } from './clients.fixture.ts';
import { annotate, block, clinic, escalate, input, output, redact, replace, serve } from './clinic.fixture.ts';
import { compiledPolicy } from './compiled.ts';
import { words } from './policy.fixture.ts';
import { until } from './release.fixture.ts';

describe('streams', () => {
  const reply = 'Write to ann@home.org or 😀 bob@work.org. Nothing more. Then cy@a.org, e\u0301t\u00e9.';
  test.each<[string, PromptPolicy]>([
    ['window', clinic([output(redact), output(replace, words('nothing'), 'word')], { disclaimer: 'disclaimer' })],
    ['buffer', clinic([output(redact), output(escalate, words('nothing'), 'word')], { disclaimer: 'disclaimer' })],
    ['pass', clinic([input(annotate)], { disclaimer: 'disclaimer' })],
  ])('%s: a reply in any pieces is the reply that is given whole', async (kind, policy) => {
    const { url, runtime } = await serve(policy);
    expect(compiledPolicy(policy, NO_SITE_TERMS).stream.kind).toBe(kind);
    const messages = [{ role: 'user' as const, content: 'hi' }];
    runtime.pieces = [reply];
    const whole = await WAYS['openai, whole']!(url, messages);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 0, max: reply.length }), { maxLength: 12 }), async (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), reply.length];
        runtime.pieces = ends.slice(1).map((end, index) => reply.slice(ends[index], end));
        const streamed = await WAYS['ollama, streamed']!(url, messages);
        expect([streamed.text, streamed.finish]).toEqual([whole.text, whole.finish]);
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  const begins = async (policy: PromptPolicy, pieces: readonly string[]): Promise<string> => {
    const { url, runtime } = await serve(policy);
    const gate = Promise.withResolvers<void>();
    runtime.gate = gate.promise;
    runtime.pieces = pieces;
    const asked = postChat(url, { messages: [{ role: 'user', content: 'hi' }], stream: true });
    const settled = { has: false };
    void asked.then(() => (settled.has = true));
    if (policy.rules.some(({ action }) => action.does === 'block')) {
      await until(() => runtime.asked.length === 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(settled.has).toBe(false);
      gate.resolve();
      return (await asked).text();
    }
    const reader = (await asked).body!.getReader();
    let early = '';
    while (!early.includes('early')) early += new TextDecoder().decode((await reader.read()).value);
    gate.resolve();
    return early;
  };

  test('a window streams: what is far from the end is given while the model still speaks', async () => {
    expect(await begins(clinic([output(redact)]), [`early ${'x y '.repeat(200)}`, 'end'])).toContain('early');
  });
  test('a stream that is begun says in its headers what the input rules did, and no more', async () => {
    const { url, runtime } = await serve(clinic([input(annotate), output(redact)]));
    runtime.pieces = [`ann@home.org ${'x y '.repeat(200)}`, 'end'];
    const got = await WAYS['openai, streamed']!(url, [{ role: 'user', content: 'bob@home.org' }]);
    expect(got.text).toContain('[mail]');
    expect(got.headers.get('x-openward-policy-rules')).toBe('in');
  });
  test('a reply that is held back is not begun before its end', async () => {
    expect(await begins(clinic([output(block)]), [`early ${'x y '.repeat(200)}`, 'end'])).toContain('early');
  });
});
