import { NO_SITE_TERMS } from '@openward/policy';
import { describe, expect, test } from 'vitest';
import { postChat, WAYS } from './clients.fixture.ts';
import { annotate, block, clinic, input, serve } from './clinic.fixture.ts';
import { compiledPolicy } from './compiled.ts';
import { shortly, soakOf } from './policy.fixture.ts';
import { until } from './release.fixture.ts';

// What is refused before any rule reads it, and what that says of the release.

test('G2 a text that the model could not read is refused before any rule reads it', async () => {
  const { url, counts, runtime } = await serve(clinic([input(block)]));
  for (const content of [`ann@home.org ${'x'.repeat(20_000)}`, 'ann@home.org '.repeat(70_000)])
    await expect(WAYS['openai, whole']!(url, [{ role: 'user', content }])).rejects.toMatchObject({ code: 'tooLong' });
  expect(counts.take()).toEqual([]);
  expect(runtime.asked).toEqual([]);
});

describe('what a policy refuses before any rule reads it', () => {
  const strict = clinic([input(annotate)], {
    clientSystem: 'refuse',
    controlCharacters: 'refuse',
    parameters: [{ kind: 'denied', field: 'temperature' }],
  });
  const user = { role: 'user', content: 'ann@home.org' };
  const REFUSED = [
    ['systemRefused', { messages: [{ role: 'system', content: 's' }, user] }],
    ['controlCharacters', { messages: [{ role: 'user', content: 'a\u0000b' }] }],
    ['fieldRefused', { messages: [user], temperature: 1 }],
  ] as const;
  test.each(REFUSED)('R3 %s is counted, told to metrics, and fails the soak of the release', async (code, body) => {
    const { url, seen, counts, served, site } = await serve(strict);
    site.shadow = { compiled: compiledPolicy(clinic([input(annotate)], { revision: 4 }), NO_SITE_TERMS) };
    const answer = await postChat(url, { ...body });
    expect([answer.status, answer.headers.get('x-openward-code')]).toEqual([400, code]);
    expect(await answer.json()).toMatchObject({ error: { next: expect.any(String) as string } });
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ status: 400, action: 'refused' });
    expect(await soakOf(served)).toBe('over');
    const all: ReturnType<typeof counts.take>[number][] = [];
    await until(() => all.push(...counts.take()) > 1);
    expect(shortly(all)).toContain('* input enforce refused 1');
  });

  test.each(REFUSED)('R3 %s says nothing of a release that refuses no more than the one before', async (code, body) => {
    const { url, seen, counts, served } = await serve({ ...strict, revision: 4 }, strict);
    const answer = await postChat(url, { ...body });
    expect(answer.headers.get('x-openward-code')).toBe(code);
    await until(() => seen.length === 1);
    expect(await soakOf(served)).toBe('tooFewRequests');
    // It is counted for the site as before.
    expect(shortly(counts.take())).toEqual(['* input enforce refused 1']);
  });

  test.each(REFUSED)('R3 %s counts where the release before took such a request', async (_, body) => {
    const lax = clinic([input(annotate)], { clientSystem: 'demote', controlCharacters: 'strip', parameters: [] });
    const { url, seen, served } = await serve({ ...strict, revision: 4 }, lax);
    await postChat(url, { ...body });
    await until(() => seen.length === 1);
    expect(await soakOf(served)).toBe('over');
  });

  const long = { messages: [{ role: 'user', content: 'x'.repeat(9_000) }] };
  const wordy = (letters: number) =>
    clinic([input(annotate)], { systemPrompt: 's'.repeat(letters), revision: letters });
  test.each([
    [
      'over, where the release’s own text leaves no room for it, and the one before did',
      wordy(9_000),
      wordy(1),
      'over',
    ],
    ['over, where nothing served before, and the release’s own text leaves no room for it', wordy(9_000), null, 'over'],
    ['nothing, where the release before left no room either', wordy(9_000), wordy(8_000), 'tooFewRequests'],
  ] as const)('R3 a request that is too long says of the release: %s', async (_, policy, before, verdict) => {
    const { url, seen, served } = await serve(policy, before);
    const answer = await postChat(url, { ...long });
    expect(answer.headers.get('x-openward-code')).toBe('tooLong');
    await until(() => seen.length === 1);
    expect(await soakOf(served)).toBe(verdict);
  });

  test('R3 a client that is refused waits for no count that only the soak needs', async () => {
    const { url, seen, served, site } = await serve(wordy(9_000), wordy(8_000));
    const gate = Promise.withResolvers<void>();
    let counted = 0;
    site.countTokens = async ({ length }) => {
      counted += 1;
      if (counted > 1) await gate.promise;
      return length;
    };
    const answer = await postChat(url, { ...long });
    expect(await answer.json()).toMatchObject({ error: { code: 'tooLong' } });
    await until(() => counted === 2);
    expect(seen).toEqual([]);
    gate.resolve();
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ status: 400 });
    expect(await soakOf(served)).toBe('tooFewRequests');
  });

  test('R3 a request that no release could read says nothing of this one', async () => {
    const { url, seen, served } = await serve(strict, clinic([]));
    await postChat(url, { messages: [{ role: 'user', content: 'x'.repeat(20_000) }] });
    await until(() => seen.length === 1);
    expect(await soakOf(served)).toBe('tooFewRequests');
  });

  test('R3 what the client does wrong by itself says nothing of the release', async () => {
    const { url, served, seen } = await serve(strict);
    const messages = [{ role: 'user', content: 'a <ans> b' }];
    const answer = await postChat(url, { messages });
    expect(answer.headers.get('x-openward-code')).toBe('templateMark');
    await until(() => seen.length === 1);
    expect(await soakOf(served)).toBe('tooFewRequests');
  });
});
