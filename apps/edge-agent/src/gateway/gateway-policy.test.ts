import type { PromptPolicy } from '@openward/contracts';
import { describe, expect, test } from 'vitest';
import { PROMPT_WAYS, WAYS } from './clients.fixture.ts';
import {
  annotate,
  block,
  clinic,
  EMAIL,
  escalate,
  input,
  output,
  redact,
  replace,
  serve,
  TEXTS,
} from './clinic.fixture.ts';
import { words } from './policy.fixture.ts';

// Each action of each stage, asked for in every way that an unmodified client has.

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
