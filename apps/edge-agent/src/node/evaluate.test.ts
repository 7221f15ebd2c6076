import { Unrecoverable, type Held } from '@openward/activation';
import {
  digestOf,
  plainPolicy,
  type Assignment,
  type PolicyRule,
  type PromptPolicy,
  type Release,
  type SuiteDocument,
} from '@openward/contracts';
import {
  openNodeDatabase,
  SqliteDataSets,
  SqliteJudgements,
  SqliteResults,
  type StoredDataSet,
} from '@openward/persistence/node';
import { NO_SITE_TERMS, type SiteTerms } from '@openward/policy';
import { RuntimeRefusal, type GenerateEvent, type GenerateRequest, type Runtime } from '@openward/runtime';
import { expect, test } from 'vitest';
import { compiledPolicy } from '../gateway/compiled.ts';
import { Slots } from '../gateway/slots.ts';
import type { Documents } from './documents.ts';
import { createEvaluate } from './evaluate.ts';
import type { LoadedReleases } from './model-runtime.ts';

const SECRET = 'the runtime repeats what a patient said';
const suite: SuiteDocument = {
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: Array.from({ length: 60 }, (_, i) => ({
    id: `b${i}`,
    input: `bundled ${i}`,
    expected: 'emergency',
    redFlag: true,
  })),
  gates: [{ kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 }],
  rerunItems: 40,
  minimumDistinctPersons: 11,
};
const onOwnRecords: SuiteDocument = {
  ...suite,
  contract: {
    textColumn: 'text',
    labelColumn: 'label',
    personColumn: 'person',
    labellerColumns: ['labeller1', 'labeller2'],
    redFlagLabel: 'emergency',
    labels: ['emergency', 'routine'],
  },
  gates: [...suite.gates, { kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 }],
};
const ownRecords = {
  name: 'ward',
  data: digestOf('own records'),
  card: { service: 'triage', expiresOn: '2026-12-31' },
  records: Array.from({ length: 60 }, (_, i) => ({
    id: `r${i}`,
    person: `p${i}`,
    text: `own ${i}`,
    label: 'emergency',
    redFlag: true,
  })),
  fingerprints: new Map(),
  salt: Uint8Array.of(1),
  addedAt: 1,
} as unknown as Omit<StoredDataSet, 'version'>;
const around = { before: '', after: '' };
const release = {
  model: {
    contextLength: 512,
    template: { bos: '', system: around, user: around, assistant: around, stop: ['<end>'] },
  },
  policy: plainPolicy(''),
  parameters: { maxTokens: 4, temperature: 0 },
} as unknown as Release;
const assignment = { service: 'triage', suite: { digest: digestOf('suite') }, seed: 1 } as unknown as Assignment;
const artifact = { family: 'f', manifest: digestOf('m'), file: digestOf('file'), size: 1 };
const candidate: Held = {
  key: 'ow-1',
  release: digestOf('release'),
  number: 1,
  variant: 'f16',
  document: artifact,
  artifact,
  chain: null,
};

function world(changes: {
  readonly describe?: Runtime['describe'];
  readonly ensure?: LoadedReleases['ensure'];
  /** A key that a service of this node has a use for. */
  readonly inUse?: string;
  readonly anchor?: Held;
  /** What the candidate's policy is refused with. */
  readonly refuses?: 'policyTestFailed';
  /** By release; all others have none. */
  readonly policies?: Readonly<Record<string, PromptPolicy>>;
  /** What the first bundled item says. */
  readonly input?: string;
  readonly monotonic?: () => number;
  /** The site has records of its own, and the suite reads them. */
  readonly hasOwnRecords?: true;
  readonly version?: () => string;
  /** Prompts at which the runtime's process ends. */
  readonly endsAt?: (prompt: string) => boolean;
}) {
  let terms: SiteTerms = NO_SITE_TERMS;
  const unloaded: string[] = [];
  const asked: string[] = [];
  const database = openNodeDatabase(':memory:');
  const logged: unknown[] = [];
  const runtime = {
    describe: () => Promise.resolve({ version: changes.version?.() ?? '1.0' }),
    async *generate({ prompt }: GenerateRequest): AsyncGenerator<GenerateEvent> {
      asked.push(prompt);
      if (changes.endsAt?.(prompt) === true) throw new RuntimeRefusal('runtimeExited', 'gone');
      yield await Promise.resolve({ type: 'text', text: 'emergency' } as const);
      yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
    },
    ...(changes.describe === undefined ? {} : { describe: changes.describe }),
  } as unknown as Runtime;
  const judgements = new SqliteJudgements(database);
  const dataSets = new SqliteDataSets(database);
  if (changes.hasOwnRecords) dataSets.add(ownRecords);
  const evaluate = createEvaluate({
    documents: {
      suite: () =>
        Promise.resolve({
          ...(changes.hasOwnRecords ? onOwnRecords : suite),
          items: suite.items.map((item, at) =>
            at === 0 && changes.input !== undefined ? { ...item, input: changes.input } : item,
          ),
        }),
      release: (digest: string) =>
        Promise.resolve({ ...release, policy: changes.policies?.[digest] ?? release.policy }),
    } as unknown as Documents,
    models: {
      ensure: changes.ensure ?? ((held: Held) => Promise.resolve(held.key)),
      countTokens: (_: Held, text: string) => Promise.resolve(text.length),
      marks: () => Promise.resolve(['<own>']),
      unload: (key: string) => Promise.resolve(void unloaded.push(key)),
    } as unknown as LoadedReleases,
    runtime,
    slots: new Slots(1, 1),
    results: new SqliteResults(database),
    judgements,
    dataSets,
    isSuiteAccepted: () => true,
    isInUse: (key) => key === changes.inUse,
    assertPolicy: () =>
      changes.refuses === undefined ? Promise.resolve() : Promise.reject(new Unrecoverable(changes.refuses, 'refused')),
    terms: () => terms,
    compile: compiledPolicy,
    today: () => '2026-03-01',
    monotonic: changes.monotonic ?? (() => performance.now()),
    wall: () => 1,
    sleep: () => Promise.resolve(),
    ownStepMs: 0,
    log: {
      info: (event, fields) => logged.push({ event, ...fields }),
      warn: (event, fields) => logged.push({ event, ...fields }),
      error: () => {},
    },
  });
  return {
    setTerms: (own: Partial<SiteTerms>) => {
      terms = { ...terms, ...own };
    },
    run: () =>
      evaluate.evaluate(
        { assignment, candidate, live: null, anchor: changes.anchor ?? null },
        () => undefined,
        new AbortController().signal,
      ),
    termsNow: () => evaluate.terms(),
    logged,
    unloaded,
    asked,
    verdicts: () => judgements.verdicts(),
    askedOfOwn: () => asked.filter((prompt) => prompt.includes('own ')).length,
    rows: () => database.prepare('SELECT key FROM judgements').all().length,
  };
}

test('a runtime that does not tell its version is a fault that may pass, even where its process ended', async () => {
  const { run, rows } = world({ describe: () => Promise.reject(new RuntimeRefusal('runtimeExited', 'gone')) });
  await expect(run()).rejects.not.toHaveProperty('code');
  expect(rows()).toBe(0);
});

test('why an answer failed is logged by its code, never by its text, and what is looked at again leaves no row', async () => {
  const { run, logged, rows } = world({ ensure: () => Promise.reject(new RuntimeRefusal('runtimeExited', SECRET)) });
  expect(await run()).toMatchObject({ verdict: 'error' });
  expect(logged[0]).toEqual({
    event: 'evaluation.answerFailed',
    release: candidate.release,
    variant: 'f16',
    code: 'runtimeExited',
  });
  expect(JSON.stringify(logged)).not.toContain(SECRET);
  expect(rows()).toBe(0);
});

test('E4 what was judged is kept in one row, and not looked at again', async () => {
  const { run, rows, termsNow } = world({});
  const first = await run();
  expect(first.verdict).not.toBe('error');
  expect(first.terms).toBe(termsNow());
  expect(await run()).toEqual(first);
  expect(rows()).toBe(1);
});

test.each([
  ['its emergency number', { variables: { emergencyNumber: '117' } }],
  ['the form of its record numbers', { recordNumber: 'bundled \\d+' }],
])('E4 what was measured under other terms of the site is asked again, after it has changed %s', async (_, own) => {
  const it = world({ anchor: { ...candidate, release: digestOf('anchor'), key: 'ow-0' } });
  const { terms: before } = await it.run();
  const once = it.asked.length;
  it.setTerms(own);
  expect((await it.run()).terms).toBe(it.termsNow());
  expect(it.asked).toHaveLength(2 * once);
  it.setTerms(NO_SITE_TERMS);
  await it.run();
  expect(it.asked).toHaveLength(2 * once);
  expect(it.termsNow()).toBe(before);
  expect(it.rows()).toBe(2);
});

test.each([
  ['its emergency number', { terms: { variables: { emergencyNumber: '117' } } }],
  ['the version of its runtime', { version: '1.1' }],
])('E6 own records are measured anew, and charged, after the site has changed %s', async (_, changed) => {
  let version = '1.0';
  const it = world({ hasOwnRecords: true, version: () => version });
  const passed = { verdict: 'pass', own: { verdict: 'pass', reason: 'withinMargin' } };
  expect(await it.run()).toMatchObject(passed);
  expect([it.askedOfOwn(), it.verdicts().length]).toEqual([60, 1]);

  if ('terms' in changed) it.setTerms(changed.terms);
  else ({ version } = changed);
  expect(await it.run()).toMatchObject(passed);
  expect([it.askedOfOwn(), it.verdicts().length]).toEqual([120, 2]);

  // What was measured under the first is kept, and a verdict that is sent again costs nothing.
  it.setTerms(NO_SITE_TERMS);
  version = '1.0';
  expect(await it.run()).toMatchObject(passed);
  expect([it.askedOfOwn(), it.verdicts().length]).toEqual([120, 2]);
});

test('E6 a verdict on own records that left with an error of the bundled items is sent again unchanged, and no record is read', async () => {
  let isDown = true;
  const it = world({ hasOwnRecords: true, endsAt: (prompt) => isDown && prompt.includes('bundled') });
  const own = { verdict: 'pass', reason: 'withinMargin' };
  expect(await it.run()).toMatchObject({ verdict: 'error', own });
  expect([it.askedOfOwn(), it.verdicts().length]).toEqual([60, 1]);
  isDown = false;
  expect(await it.run()).toMatchObject({ verdict: 'pass', own });
  expect([it.askedOfOwn(), it.verdicts().length]).toEqual([60, 1]);
});

test('N6 an anchor is unloaded after its turn, but not where its files are the candidate’s or another service’s too', async () => {
  const anchor = { ...candidate, release: digestOf('anchor'), key: 'ow-anchor' };
  for (const [given, unloaded] of [
    [{ anchor }, ['ow-anchor']],
    [{ anchor, inUse: 'ow-anchor' }, []],
    [{ anchor: { ...anchor, key: candidate.key } }, []],
  ] as const) {
    const it = world(given);
    await it.run();
    expect(it.unloaded).toEqual(unloaded);
  }
});

const rule = (id: string, stage: PolicyRule['stage'], pattern: string, action: PolicyRule['action']): PolicyRule => ({
  id,
  description: id,
  stage,
  match: { kind: 'regex', pattern, ignoreCase: false },
  action,
  mode: 'enforce',
  timeLimitMs: 500,
});
const under = (...rules: readonly PolicyRule[]): PromptPolicy => ({
  ...plainPolicy('You sort patients.'),
  rules: [...rules],
  texts: { refusal: { en: 'routine' } },
});

test('a release is graded as a clinic would hear it: through its own policy, and each reference through its own', async () => {
  const replaces = under(
    rule('names', 'input', 'bundled', { does: 'replace', replacement: 'item' }),
    rule('words', 'output', 'emergency', { does: 'replace', replacement: 'routine' }),
  );
  const it = world({
    policies: { [candidate.release]: replaces },
    anchor: { ...candidate, release: digestOf('anchor'), key: 'ow-0' },
  });
  const { bundled } = await it.run();
  // What the model said is right, and what the policy made of it is not.
  expect(bundled.verdict).toBe('fail');
  expect(it.asked).toContain('You sort patients.item 0');
  expect(it.asked).toContain('bundled 0');
});

test('a request that the policy blocks is graded by the refusal’s text, and the model is not asked', async () => {
  const it = world({
    policies: { [candidate.release]: under(rule('all', 'input', '[0-9]', { does: 'block', text: 'refusal' })) },
  });
  expect((await it.run()).bundled.verdict).toBe('fail');
  expect(it.asked).toEqual([]);
});

test('a policy that the site’s terms of now refuse is not evaluated, and ends the attempt', async () => {
  const it = world({ refuses: 'policyTestFailed' });
  await expect(it.run()).rejects.toMatchObject({ code: 'policyTestFailed' });
  expect(it.asked).toEqual([]);
});

test.for([
  ['a control character, where the policy refuses those', 'bundled \u0000', 'controlCharacters'],
  ['a mark of the model’s template', 'bundled <end>', 'templateMark'],
  ['a mark of the model’s own vocabulary', 'bundled <own>', 'templateMark'],
] as const)(
  'an item with %s is one that a clinic would get no reply to: it is wrong, the model is not asked it, and no gate is in error',
  async ([, input, code]) => {
    const it = world({ input });
    const { verdict, bundled } = await it.run();
    expect(verdict).toBe('pass');
    expect(bundled.gates).toMatchObject([{ kind: 'ceiling', counts: { n: 60, candidateMisses: 1 } }]);
    expect(it.asked).toHaveLength(59);
    expect(it.logged).toMatchObject([{ event: 'evaluation.itemRefused', code }]);
  },
);

test('control characters are stripped from an item where the policy strips them', async () => {
  const strips: PromptPolicy = { ...plainPolicy(''), controlCharacters: 'strip' };
  const it = world({ input: 'bundled \u0000', policies: { [candidate.release]: strips } });
  expect((await it.run()).bundled.gates).toMatchObject([{ counts: { n: 60, candidateMisses: 0 } }]);
  expect(it.logged).toEqual([]);
});

test('G2 a prompt that does not fit the model ends the measurement at once, by its code, and the model is not asked', async () => {
  const it = world({ policies: { [candidate.release]: { ...plainPolicy('a'.repeat(600)) } } });
  expect(await it.run()).toMatchObject({ verdict: 'error', reason: 'candidateFailed', failure: 'contextTooLong' });
  expect(it.asked).toEqual([]);
  expect(it.logged).toHaveLength(1);
});

test('G2 no rule reads an item that is longer than the model could read', async () => {
  let looked = 0;
  const it = world({
    input: 'x'.repeat(100_000),
    policies: { [candidate.release]: under(rule('any', 'input', 'x', { does: 'annotate' })) },
    monotonic: () => (looked += 1),
  });
  expect(await it.run()).toMatchObject({ failure: 'contextTooLong' });
  // A rule that is applied looks at the clock more than once.
  expect(looked).toBeLessThanOrEqual(1);
});

test('a rule that takes too long ends the measurement at its first item, and is named in the log', async () => {
  let time = 0;
  const slow = under(rule('slow', 'input', 'bundled', { does: 'annotate' }));
  // Every look at the clock is a second after the one before.
  const it = world({ policies: { [candidate.release]: slow }, monotonic: () => (time += 1_000) });
  expect(await it.run()).toMatchObject({ verdict: 'error', failure: 'policyFailed' });
  expect(it.asked).toEqual([]);
  expect(it.logged).toEqual([
    {
      event: 'evaluation.answerFailed',
      release: candidate.release,
      variant: 'f16',
      code: 'policyFailed',
      rule: 'slow',
    },
  ]);
});

test('between two items everybody else has a turn, also where no item waits for the model', async () => {
  let turns = 0;
  let isOver = false;
  const takeTurn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(takeTurn);
  };
  setImmediate(takeTurn);
  await world({
    policies: { [candidate.release]: under(rule('all', 'input', '[0-9]', { does: 'block', text: 'refusal' })) },
  }).run();
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(suite.items.length);
});
