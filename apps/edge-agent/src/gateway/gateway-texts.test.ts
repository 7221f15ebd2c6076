import { describe, expect, test } from 'vitest';
import { WAYS } from './clients.fixture.ts';
import { block, clinic, escalate, input, serve, TEXTS } from './clinic.fixture.ts';

// Whose words a client reads: its language’s, and the site’s own.

describe('language', () => {
  test.each([
    ['fr-CH, en;q=0.5', TEXTS.refusal.fr],
    ['sw', TEXTS.refusal.en],
  ])('who accepts %s is told %s', async (header, text) => {
    const { url } = await serve(clinic([input(block)]));
    const got = await WAYS['ollama, whole']!(url, [{ role: 'user', content: 'ann@home.org' }], {
      'accept-language': header,
    });
    expect(got.text).toBe(text);
  });
});

test('a site’s own terms stand from the moment that they are set, and terms that do not fit change nothing', async () => {
  const policy = clinic([input(escalate), input(block, { kind: 'identifier', identifier: 'recordNumber' }, 'record')]);
  const { url, site, served } = await serve(policy);
  const ask = () => WAYS['openai, whole']!(url, [{ role: 'user', content: 'ann@home.org, MRN-123' }]);
  expect((await ask()).text).toBe('Call 112 now.\n\nok');
  site.terms = { recordNumber: 'MRN-[0-9]{3}', variables: { number: '0800' } };
  served.recompile();
  expect((await ask()).text).toBe('Call 0800 now.\n\nThat is not for this service.');
  site.terms = { recordNumber: '(', variables: {} };
  expect(() => served.recompile()).toThrow('refused');
  expect((await ask()).text).toBe('Call 0800 now.\n\nThat is not for this service.');
});
