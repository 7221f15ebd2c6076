import type { PolicyRule, PromptPolicy } from '@openward/contracts';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { compiledPolicy } from './compiled.ts';
import {
  KEY,
  policyWith,
  PROMPT_WAYS,
  ruleWith,
  serveUnder,
  shortly,
  until,
  WAYS,
  words,
  type PolicyWorld,
} from './policy.fixture.ts';
import { NO_SITE_TERMS } from '@openward/policy';

let world: PolicyWorld | null = null;
afterEach(() => {
  world?.close();
  world = null;
});
const serve = async (policy: PromptPolicy): Promise<PolicyWorld> => (world = await serveUnder(policy));

const TEXTS = {
  refusal: { en: 'That is not for this service.', fr: 'Ce n’est pas pour ce service.' },
  emergency: { en: 'Call {{number}} now.', fr: 'Appelez le {{number}}.' },
  disclaimer: { en: 'No advice.', fr: 'Sans conseil.' },
};
const NUMBER = { name: 'number', description: 'd', default: '112', setBySite: true };
const EMAIL = { kind: 'regex', pattern: '[a-z]{1,20}@[a-z]{1,20}\\.org', ignoreCase: true } as const;
const block = { does: 'block', text: 'refusal' } as const;
const redact = { does: 'redact', marker: '[mail]' } as const;
const replace = { does: 'replace', replacement: 'NN' } as const;
const annotate = { does: 'annotate' } as const;
const escalate = { does: 'escalate', text: 'emergency' } as const;
const input = (action: PolicyRule['action'], match: PolicyRule['match'] = EMAIL, id = 'in'): PolicyRule =>
  ruleWith({ id, stage: 'input', match, action });
const output = (action: PolicyRule['action'], match: PolicyRule['match'] = EMAIL, id = 'out'): PolicyRule =>
  ruleWith({ id, stage: 'output', match, action });
const clinic = (rules: PolicyRule[], more: Partial<PromptPolicy> = {}): PromptPolicy =>
  policyWith({ rules, texts: TEXTS, variables: [NUMBER], ...more });

const SCHEMA = {
  kind: 'schema',
  schema: {
    type: 'object',
    properties: { urgency: { type: 'string' }, notice: { type: 'string' } },
    required: ['urgency'],
    additionalProperties: false,
  },
} as const;

interface Row {
  readonly policy: PromptPolicy;
  readonly says?: string;
  readonly model?: readonly string[];
  readonly text: string;
  readonly finish?: string;
  /** What the model is asked; null: it is not. */
  readonly asked?: string | null;
  readonly action: string | null;
  readonly rules: string | null;
  readonly notice?: string;
}

const PLAIN_ASKED = '<s><sys>SYS<usr>write to ann@home.org<ans>';
const ROWS: Record<string, Row> = {
  'nothing that a rule looks for': {
    policy: clinic([input(block, words('bomb')), output(block, words('bomb'))]),
    text: 'it is ann@home.org',
    action: null,
    rules: null,
  },
  'input block': {
    policy: clinic([input(block)]),
    text: TEXTS.refusal.en,
    finish: 'content_filter',
    asked: null,
    action: 'block',
    rules: 'in',
  },
  'input redact': {
    policy: clinic([input(redact)]),
    text: 'it is ann@home.org',
    asked: '<s><sys>SYS<usr>write to [mail]<ans>',
    action: 'redact',
    rules: 'in',
  },
  'input replace': {
    policy: clinic([input(replace)]),
    text: 'it is ann@home.org',
    asked: '<s><sys>SYS<usr>write to NN<ans>',
    action: 'replace',
    rules: 'in',
  },
  'input annotate': { policy: clinic([input(annotate)]), text: 'it is ann@home.org', action: 'annotate', rules: 'in' },
  'input escalate': {
    policy: clinic([input(escalate)]),
    text: 'Call 112 now.\n\nit is ann@home.org',
    action: 'escalate',
    rules: 'in',
  },
  'input escalate and block': {
    policy: clinic([input(escalate, EMAIL, 'flag'), input(block)]),
    text: 'Call 112 now.\n\nThat is not for this service.',
    finish: 'content_filter',
    asked: null,
    action: 'block',
    rules: 'flag,in',
  },
  'output block': {
    policy: clinic([output(block)]),
    text: TEXTS.refusal.en,
    finish: 'content_filter',
    action: 'block',
    rules: 'out',
  },
  'output redact': { policy: clinic([output(redact)]), text: 'it is [mail]', action: 'redact', rules: 'out' },
  'output replace': { policy: clinic([output(replace)]), text: 'it is NN', action: 'replace', rules: 'out' },
  'output annotate': {
    policy: clinic([output(annotate)]),
    text: 'it is ann@home.org',
    action: 'annotate',
    rules: 'out',
  },
  'output escalate': {
    policy: clinic([output(escalate)]),
    text: 'Call 112 now.\n\nit is ann@home.org',
    action: 'escalate',
    rules: 'out',
  },
  'input escalate, output block': {
    policy: clinic([input(escalate), output(block)]),
    text: 'Call 112 now.\n\nThat is not for this service.',
    finish: 'content_filter',
    action: 'block',
    rules: 'in,out',
  },
  'a length that cuts': {
    policy: clinic([output({ does: 'redact', marker: '[…]' }, { kind: 'length', most: 20 })]),
    model: ['One sentence. ', 'Another that is long. More.'],
    text: 'One sentence.[…]',
    finish: 'length',
    action: 'redact',
    rules: 'out',
  },
  'a disclaimer in the text': {
    policy: clinic([], { disclaimer: 'disclaimer' }),
    text: 'it is ann@home.org\n\nNo advice.',
    action: null,
    rules: null,
  },
  'notices in headers': {
    policy: clinic([input(escalate)], { disclaimer: 'disclaimer', notices: { place: 'header' } }),
    text: 'it is ann@home.org',
    action: 'escalate',
    rules: 'in',
    notice: 'Call%20112%20now., No%20advice.',
  },
  'a schema that fits, with notices in a field': {
    policy: clinic([input(escalate), output(block, SCHEMA)], {
      disclaimer: 'disclaimer',
      notices: { place: 'field', field: 'notice' },
    }),
    model: ['{"urgency":', ' "high"}'],
    text: String.raw`{"urgency": "high","notice":"Call 112 now.\n\nNo advice."}`,
    action: 'escalate',
    rules: 'in',
  },
  'a schema that does not fit, and an escalation': {
    policy: clinic([input(escalate), output(block, SCHEMA)], { notices: { place: 'header' } }),
    model: ['{"urgency":', ' 3}'],
    text: 'Call 112 now.\n\nThat is not for this service.',
    finish: 'content_filter',
    action: 'block',
    rules: 'in,out',
  },
  'a rule in shadow': {
    policy: clinic([
      { ...input(block), mode: 'shadow' },
      { ...output(block), mode: 'shadow' },
    ]),
    text: 'it is ann@home.org',
    action: null,
    rules: null,
  },
};

describe.each(Object.entries(ROWS))('%s', (_, row) => {
  test.each(Object.entries({ ...WAYS, ...PROMPT_WAYS }))('%s', async (_way, ask) => {
    const { url, runtime } = await serve(row.policy);
    runtime.pieces = row.model ?? ['it is a', 'nn@ho', 'me.org'];
    const got = await ask(url, [{ role: 'user', content: row.says ?? 'write to ann@home.org' }]);
    expect([got.text, got.finish]).toEqual([row.text, row.finish ?? 'stop']);
    expect(got.headers.get('x-openward-policy')).toBe('clinic@3');
    expect(got.headers.get('x-openward-policy-action')).toBe(row.action);
    expect(got.headers.get('x-openward-policy-rules')).toBe(row.rules);
    expect(got.headers.get('x-openward-notice')).toBe(row.notice ?? null);
    expect(runtime.asked.map(({ prompt }) => prompt)).toEqual(row.asked === null ? [] : [row.asked ?? PLAIN_ASKED]);
  });
});

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
    const asked = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'triage', messages: [{ role: 'user', content: 'hi' }], stream: true }),
    });
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

describe('a rule that cannot be applied', () => {
  const FAILED = expect.stringMatching(/could not be applied.* Call 112\./s) as string;
  const ask = (url: string, stream: boolean) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'triage', messages: [{ role: 'user', content: 'ann@home.org' }], stream }),
    });

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
    const held = { key: 'key', release: served.list()[0]!.release } as never;
    expect(await served.judge('triage', held, { errorShare: 0, minRequests: 1 })).toBe('over');
  });

  test('after the first byte it is an event of the stream, and nothing follows', async () => {
    const { url, site, runtime, seen } = await serve(clinic([output(redact)]));
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
    expect(seen[0]).toMatchObject({ status: 503, action: 'failed' });
  });
});

test('G2 a text that the model could not read is refused before any rule reads it', async () => {
  const { url, counts, runtime } = await serve(clinic([input(block)]));
  for (const content of [`ann@home.org ${'x'.repeat(20_000)}`, 'ann@home.org '.repeat(70_000)])
    await expect(WAYS['openai, whole']!(url, [{ role: 'user', content }])).rejects.toMatchObject({ code: 'tooLong' });
  expect(counts.take()).toEqual([]);
  expect(runtime.asked).toEqual([]);
});

test('a red flag in a question is told where another rule of questions fails, whichever stands first', async () => {
  const chest = words('chest pain');
  const { url, site, seen } = await serve(clinic([input(annotate, EMAIL, 'mail'), input(escalate, chest, 'flag')]));
  const content = 'chest pain, ann@home.org';
  // The first rule that is asked has time enough, and the next has none.
  site.clockStepMs = 140;
  await expect(WAYS['openai, whole']!(url, [{ role: 'user', content }])).rejects.toMatchObject({
    code: 'policyFailed',
    message: expect.stringMatching(/^(503 )?Call 112 now\.\n\n.*Call 112\.$/s),
  });
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ status: 503, action: 'failed', policy: { ruleIds: ['flag'] } });
});

describe('what a policy refuses before any rule reads it', () => {
  const strict = clinic([input(annotate)], {
    clientSystem: 'refuse',
    controlCharacters: 'refuse',
    parameters: [{ kind: 'denied', field: 'temperature' }],
  });
  const user = { role: 'user', content: 'ann@home.org' };
  test.each([
    ['systemRefused', { messages: [{ role: 'system', content: 's' }, user] }],
    ['controlCharacters', { messages: [{ role: 'user', content: 'a\u0000b' }] }],
    ['fieldRefused', { messages: [user], temperature: 1 }],
  ])('R3 %s is counted, told to metrics, and fails the soak of the release', async (code, body) => {
    const { url, seen, counts, served, site } = await serve(strict);
    site.shadow = { compiled: compiledPolicy(clinic([input(annotate)], { revision: 4 }), NO_SITE_TERMS) };
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'triage', ...body }),
    });
    expect([answer.status, answer.headers.get('x-openward-code')]).toEqual([400, code]);
    expect(await answer.json()).toMatchObject({ error: { next: expect.any(String) as string } });
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ status: 400, action: 'refused' });
    const held = { key: 'key', release: served.list()[0]!.release } as never;
    expect(await served.judge('triage', held, { errorShare: 0, minRequests: 1 })).toBe('over');
    const all: ReturnType<typeof counts.take>[number][] = [];
    await until(() => all.push(...counts.take()) > 1);
    expect(shortly(all)).toContain('* input enforce refused 1');
  });

  test('R3 what the client does wrong by itself says nothing of the release', async () => {
    const { url, served, seen } = await serve(strict);
    const messages = [{ role: 'user', content: 'a <ans> b' }];
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'triage', messages }),
    });
    expect(answer.headers.get('x-openward-code')).toBe('templateMark');
    await until(() => seen.length === 1);
    const held = { key: 'key', release: served.list()[0]!.release } as never;
    expect(await served.judge('triage', held, { errorShare: 0, minRequests: 1 })).toBe('tooFewRequests');
  });
});

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
    const held = { key: 'key', release: served.list()[0]!.release } as never;
    expect(await served.judge('triage', held, { errorShare: 0, minRequests: 1 })).toBe('ok');
  });
});

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

describe('shadow', () => {
  test('the next policy’s rules are counted after the reply, whatever their mode, and change nothing', async () => {
    const { url, site, runtime, counts } = await serve(clinic([{ ...output(annotate), mode: 'shadow' }]));
    const next = clinic([input(annotate), output(block), { ...output(redact, EMAIL, 'other'), mode: 'shadow' }], {
      revision: 4,
    });
    site.shadow = { compiled: compiledPolicy(next, NO_SITE_TERMS) };
    runtime.pieces = ['it is ann', '@home.org'];
    for (const ask of Object.values(WAYS))
      expect((await ask(url, [{ role: 'user', content: 'bob@home.org' }])).text).toBe('it is ann@home.org');
    const all: ReturnType<typeof counts.take>[number][] = [];
    await until(() => {
      all.push(...counts.take());
      const judged = all.filter(({ mode, rule }) => mode === 'next' && rule === null);
      return judged.reduce((sum, { count }) => sum + count, 0) === 8;
    });
    counts.giveBack(all);
    const kept = counts.take();
    expect(shortly(kept)).toEqual([
      '* input enforce judged 4',
      '* input next judged 4',
      '* output next judged 4',
      '* output shadow judged 4',
      'in next annotate 4',
      'other next redact 4',
      'out next block 4',
      'out shadow annotate 4',
    ]);
    expect(kept.filter(({ mode }) => mode === 'next').every(({ revision }) => revision === 4)).toBe(true);
  });

  test('a shadow that cannot even be found out is none', async () => {
    const { url, site } = await serve(clinic([]));
    Object.defineProperty(site, 'shadow', {
      get: () => {
        throw new Error('the disk is full');
      },
    });
    expect((await WAYS['ollama, whole']!(url, [{ role: 'user', content: 'hi' }])).text).toBe('ok');
  });

  test('a shadow that breaks is seen by no request, and nothing is made of it', async () => {
    const { url, site, counts } = await serve(clinic([]));
    const compiled = compiledPolicy(clinic([input(annotate)], { revision: 4 }), NO_SITE_TERMS);
    let asked = 0;
    site.shadow = {
      compiled: {
        ...compiled,
        policy: compiled.policy,
        watch: () => {
          asked += 1;
          throw new Error('broken');
        },
      },
    };
    expect((await WAYS['openai, whole']!(url, [{ role: 'user', content: 'hi' }])).text).toBe('ok');
    await until(() => asked === 1);
    expect(counts.take()).toEqual([]);
    expect(counts.troubles(() => compiled.policy)).toEqual([]);
  });
});

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

test('a policy without a log, or a conversation without a hit, adds nothing to a log', async () => {
  const { url, seen } = await serve(clinic([input(annotate)], { log: [] }));
  await WAYS['openai, whole']!(url, [{ role: 'user', content: 'ann@home.org' }]);
  await WAYS['openai, whole']!(url, [{ role: 'user', content: 'hi' }]);
  await until(() => seen.length === 2);
  expect(seen.map(({ policy }) => policy)).toEqual([null, null]);
});
