import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_POLICY_BYTES, plainPolicy, type PolicyRule, type PromptPolicy } from '@openward/contracts';
import { policyOf, ruleOf, testOf } from './check.fixture.ts';
import { checkPolicy, type Checking } from './check.ts';
import { type Monotonic, NO_SITE_TERMS, type SiteTerms } from './model.ts';
import { starterPolicy } from './starter/index.ts';

const check = (document: unknown, terms: SiteTerms = NO_SITE_TERMS): Checking =>
  checkPolicy(document, terms, () => performance.now());
const codes = (document: unknown): string[] => {
  const checked = check(document);
  return checked.kind === 'ok' ? [] : checked.findings.map(({ code, where }) => `${code} ${where}`.trim());
};
/** A policy with one rule that is refused before its tests could matter. */
const codesOf = (rule: Partial<PolicyRule>, given: Partial<PromptPolicy> = {}): string[] =>
  codes(policyOf({ rules: [ruleOf(rule)], ...given })).filter((it) => !it.startsWith('testFailed'));

describe('a policy that may be applied', () => {
  it('passes, as a value, as JSON and as bytes', () => {
    const policy = policyOf();
    for (const document of [policy, JSON.stringify(policy), Buffer.from(JSON.stringify(policy))])
      expect(check(document)).toMatchObject({ kind: 'ok', policy, compiled: { policy } });
    expect(codes(plainPolicy('Hello.'))).toEqual([]);
  });
});

describe('a hostile policy is refused, with its reason, in under 100 ms of the processor', () => {
  const deep = (levels: number): unknown => {
    let value: unknown = {};
    for (let level = 0; level < levels; level += 1) value = { properties: { a: value }, type: 'object' };
    return value;
  };
  const schemaRule = (schema: unknown): unknown => ({
    ...policyOf(),
    rules: [{ ...ruleOf(), match: { kind: 'schema', schema }, action: { does: 'annotate' } }],
  });
  const wide = Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`p${at}`, { type: 'string' }]));
  const pattern = (text: string): PromptPolicy =>
    policyOf({ rules: [ruleOf({ match: { kind: 'regex', pattern: text, ignoreCase: true } })] });
  const many = (count: number, text: string): PromptPolicy =>
    policyOf({
      rules: Array.from({ length: count }, (_, at) =>
        ruleOf({ id: `r${at}`, match: { kind: 'regex', pattern: text, ignoreCase: true } }),
      ),
    });
  const hostile: readonly [string, string, unknown][] = [
    ['10 MB of text', 'tooLarge', { ...policyOf(), systemPrompt: 'x'.repeat(10_000_000) }],
    ['10 MB of JSON', 'tooLarge', JSON.stringify({ ...policyOf(), systemPrompt: 'x'.repeat(10_000_000) })],
    [
      'more phrases than anybody reads',
      'tooManyPhrases',
      policyOf({
        rules: Array.from({ length: 11 }, (_, at) =>
          ruleOf({
            id: `r${at}`,
            match: { kind: 'topic', phrases: { en: Array.from({ length: 500 }, (_none, n) => `p ${at} ${n}`) } },
          }),
        ),
      }),
    ],
    ['10,000 rules', 'tooManyRules', { ...policyOf(), rules: Array.from({ length: 10_000 }, () => ruleOf()) }],
    ['thousands of broken tests', 'shape', { ...policyOf(), tests: Array.from({ length: 4_000 }, () => ({})) }],
    ['objects 100,000 deep', 'tooLarge', { ...policyOf(), texts: deep(50_000) }],
    ['lists 100,000 deep', 'tooLarge', `{"rules":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['a schema of great depth', 'schemaTooLarge', schemaRule(deep(12))],
    ['a schema of great width', 'schemaTooLarge', schemaRule({ type: 'object', properties: wide })],
    ['a schema that refers to itself', 'schemaUnsupported', schemaRule({ $ref: '#', type: 'object' })],
    ['a schema of choices', 'schemaUnsupported', schemaRule({ anyOf: [{ type: 'string' }] })],
    [
      'hundreds of schemas',
      'schemaTooLarge',
      policyOf({
        rules: Array.from({ length: 300 }, (_, at) =>
          ruleOf({ id: `r${at}`, match: { kind: 'schema', schema: { type: 'object' } }, action: { does: 'annotate' } }),
        ),
      }),
    ],
    ['a pattern that repeats repeats', 'patternTooLarge', pattern('((a{1,1000}){1,1000}){1,1000}')],
    ['a pattern that is none', 'patternInvalid', pattern('(a')],
    ['a back-reference', 'patternInvalid', pattern('(a)\\1')],
    ['a pattern that matches the empty text', 'patternMatchesEmpty', pattern('(a*)*')],
    ['hundreds of long patterns', 'patternTooLarge', many(400, `[a-z]{100}${'(?:ab|cd){50}'.repeat(4)}`)],
    ['a template that refers to itself', 'templateSelfReference', { ...policyOf(), texts: { a: { en: '{{a}}' } } }],
    [
      'long templates',
      'templateInvalid',
      policyOf({
        systemPrompt: '{{a}}'.repeat(3_000),
        variables: [{ name: 'a', description: 'It grows.', default: 'x'.repeat(500), setBySite: true }],
      }),
    ],
  ];

  it.each(hostile)('%s', (_what, code, document) => {
    codes(policyOf()); // What is loaded at the first use is no cost of this document.
    const before = process.cpuUsage();
    const found = codes(document);
    const { user, system } = process.cpuUsage(before);
    expect(found[0]).toMatch(new RegExp(`^${code}\\b`));
    expect(found.length).toBeLessThanOrEqual(101);
    expect((user + system) / 1000).toBeLessThan(100);
  });

  it('and an expression that would hang others costs no more than any', () => {
    const policy = policyOf({
      rules: [ruleOf({ match: { kind: 'regex', pattern: '(?:(?:a|a)+)+b', ignoreCase: false } })],
      tests: [
        testOf({ reply: 'aab', cuts: [], expect: { text: '[code]' } }),
        testOf({
          reply: 'a'.repeat(15_000),
          cuts: [],
          expect: { action: 'none', rules: [], text: 'a'.repeat(15_000) },
        }),
      ],
    });
    const before = process.cpuUsage();
    expect(codes(policy)).toEqual([]);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1_000);
  });
});

describe('a policy is refused', () => {
  it.each<[string, Partial<PolicyRule>]>([
    [
      'stageMismatch rules[0].stage',
      { stage: 'input', match: { kind: 'schema', schema: { type: 'object' } }, action: { does: 'annotate' } },
    ],
    ['actionMismatch rules[0].action', { match: { kind: 'schema', schema: { type: 'object' } } }],
    [
      'actionMismatch rules[0].action',
      { match: { kind: 'length', most: 9 }, action: { does: 'replace', replacement: '' } },
    ],
    ['actionMismatch rules[0].action', { stage: 'input', match: { kind: 'length', most: 9 } }],
    ['textMissing rules[0].action.text', { action: { does: 'block', text: 'none' } }],
    ['languageMissing rules[0].match.phrases', { match: { kind: 'topic', phrases: {} } }],
    [
      'languageMissing rules[0].match.phrases.fr',
      { match: { kind: 'topic', phrases: { en: ['ward'], fr: ['salle'] } } },
    ],
  ])('where a rule cannot be applied: %s %#', (code, rule) => {
    expect(codesOf(rule)).toEqual([code]);
  });

  it.each<[string, Partial<PromptPolicy>]>([
    ['duplicate rules[1].id', { rules: [ruleOf(), ruleOf()] }],
    ['duplicate languages[1]', { languages: ['en', 'en'] }],
    [
      'duplicate parameters[1].field',
      {
        parameters: [
          { kind: 'locked', field: 'seed' },
          { kind: 'denied', field: 'seed' },
        ],
      },
    ],
    ['textMissing disclaimer', { disclaimer: 'none' }],
    ['languageMissing texts.a.fr', { texts: { a: { en: 'A.', fr: 'A.' } } }],
    ['variableUnknown systemPrompt', { systemPrompt: '{{who}}' }],
    ['shape parameters[0].max', { parameters: [{ kind: 'bounded', field: 'temperature', min: 0, max: 3 }] }],
    ['shape parameters[0].min', { parameters: [{ kind: 'bounded', field: 'topP', min: 0, max: 1 }] }],
    ['shape parameters[0].max', { parameters: [{ kind: 'bounded', field: 'maxTokens', min: 1, max: 1.5 }] }],
    ['shape expires', { expires: '2026-02-30T00:00:00Z' }],
    ['shape expires', { notBefore: '2026-03-01T00:00:00Z', expires: '2026-02-01T00:00:00Z' }],
    ['shape tests[0].cuts', { tests: [testOf({ cuts: [4, 4] }), ...policyOf().tests] }],
    ['shape tests[0].cuts', { tests: [testOf({ cuts: [99] }), ...policyOf().tests] }],
    ['shape tests[0].expect.rules', { tests: [testOf({ expect: { rules: ['codes', 'none'] } }), ...policyOf().tests] }],
    ['languageMissing tests[0].language', { tests: [testOf({ language: 'sw' }), ...policyOf().tests] }],
  ])('where it contradicts itself: %s %#', (code, given) => {
    expect(codes(policyOf(given))).toContain(code);
  });

  it('where a field is misspelt, anywhere in it', () => {
    expect(codes({ ...policyOf(), rule: [] })).toEqual(['shape']);
    expect(codes({ ...policyOf(), rules: [{ ...ruleOf(), mod: 'shadow' }] })).toEqual(['shape rules[0]']);
  });

  it('where a rule has not one positive and one negative test in each language', () => {
    const [positive, negative] = policyOf().tests;
    expect(codes(policyOf({ tests: [] }))).toEqual(['testMissing rules[0]', 'testMissing rules[0]']);
    expect(codes(policyOf({ tests: [positive!] }))).toEqual(['testMissing rules[0]']);
    expect(codes(policyOf({ tests: [negative!] }))).toEqual(['testMissing rules[0]']);
    const refused = testOf({
      messages: [{ role: 'user', content: 'Whe\u0007re?' }],
      expect: { action: 'refused', rules: [], text: '', asked: null },
    });
    expect(codes(policyOf({ tests: [positive!, refused] }))).toEqual(['testMissing rules[0]']);
    expect(codes(policyOf({ tests: [positive!, negative!, refused] }))).toEqual([]);
    expect(codes(policyOf({ languages: ['en', 'fr'] }))).toEqual(['testMissing rules[0]', 'testMissing rules[0]']);
  });

  it('but not where record numbers have no positive test: only a site knows how they look', () => {
    const rule = ruleOf({ match: { kind: 'identifier', identifier: 'recordNumber' } });
    const [, negative] = policyOf().tests;
    expect(codes(policyOf({ rules: [rule], tests: [negative!] }))).toEqual([]);
    expect(codes(policyOf({ rules: [rule], tests: [] }))).toEqual(['testMissing rules[0]']);
  });

  it('where a test fails, with the part in which both texts differ', () => {
    const checked = check(policyOf({ tests: [...policyOf().tests, testOf({ expect: { text: 'In [cod] now.' } })] }));
    expect(checked).toEqual({
      kind: 'refused',
      findings: [
        {
          code: 'testFailed',
          where: 'tests[2]',
          message: 'codes, “a code” (en): text: expected “In [cod] now.”, got “In [code] now.”',
        },
      ],
    });
  });

  it('where its tests take longer than they may, by the clock that is given', () => {
    let at = 0;
    const slow: Monotonic = () => (at += 400);
    const lasting = policyOf({ rules: [ruleOf({ timeLimitMs: 1_000 })] });
    const many = Array.from({ length: 9 }, () => lasting.tests).flat();
    expect(checkPolicy({ ...lasting, tests: many }, NO_SITE_TERMS, slow)).toMatchObject({
      kind: 'refused',
      findings: expect.arrayContaining([
        expect.objectContaining({
          code: 'testFailed',
          where: 'tests[17]',
          message: expect.stringContaining('longer') as string,
        }),
      ]) as unknown,
    });
  });
});

describe('notices and a schema', () => {
  const schema = { type: 'object', properties: { note: { type: 'string' } }, additionalProperties: false };
  const given = (notices: PromptPolicy['notices'], of: object = schema, does: 'block' | 'annotate' = 'block') =>
    codes(
      policyOf({
        rules: [
          ruleOf({
            match: { kind: 'schema', schema: of as never },
            action: does === 'block' ? { does, text: 'no' } : { does },
          }),
        ],
        texts: { no: { en: 'No.' }, end: { en: 'Ask a nurse.' } },
        disclaimer: 'end',
        notices,
      }),
    ).filter((it) => !it.startsWith('test'));

  it('get on where notices go to a header, or to a field that the schema has as any text', () => {
    expect(given({ place: 'header' })).toEqual([]);
    expect(given({ place: 'field', field: 'note' })).toEqual([]);
    expect(given({ place: 'field', field: 'other' }, { type: 'object' })).toEqual([]);
  });

  it('do not where a notice would break the schema', () => {
    const broken = ['noticeBreaksSchema rules[0].match.schema'];
    expect(given({ place: 'text' })).toEqual(['noticeBreaksSchema notices']);
    expect(given({ place: 'field', field: 'other' })).toEqual(broken);
    expect(given({ place: 'field', field: 'note' }, { type: 'array' })).toEqual(broken);
    expect(
      given({ place: 'field', field: 'note' }, { type: 'object', properties: { note: { type: 'number' } } }),
    ).toEqual(broken);
    expect(given({ place: 'field', field: 'note' }, schema, 'annotate')).toEqual(['noticeBreaksSchema notices']);
    expect(
      codes(policyOf({ disclaimer: 'a', texts: { a: { en: 'A.' } }, notices: { place: 'field', field: 'note' } })),
    ).toEqual(['noticeBreaksSchema notices']);
  });

  it('do not where a header has no room for all of them, with the words of the site', () => {
    const escalate = (id: string, text: string) => ruleOf({ id, action: { does: 'escalate', text } });
    const long = policyOf({
      rules: [escalate('codes', 'call'), escalate('same', 'call'), escalate('other', 'go')],
      texts: { call: { en: '急'.repeat(300) }, go: { en: 'Go to {{ward}}.' }, end: { en: 'x'.repeat(2_000) } },
      variables: [{ name: 'ward', description: 'Which.', default: 'W', setBySite: true }],
      disclaimer: 'end',
      notices: { place: 'header' },
    });
    const found = (policy: PromptPolicy, terms?: SiteTerms) => {
      const checked = check(policy, terms);
      return checked.kind === 'ok' ? [] : checked.findings.filter(({ code }) => code === 'tooLarge');
    };
    expect(found(long)).toEqual([]);
    expect(found(long, { recordNumber: null, variables: { ward: 'é'.repeat(60) } })).toHaveLength(1);
    expect(found({ ...long, texts: { ...long.texts, go: { en: 'é'.repeat(60) } } })).toMatchObject([
      { where: 'notices' },
    ]);
    expect(
      found({ ...long, notices: { place: 'text' }, texts: { ...long.texts, go: { en: 'é'.repeat(60) } } }),
    ).toEqual([]);
  });

  it('a rule that would make the reply no JSON any more is refused beside one', () => {
    const json = ruleOf({
      id: 'json',
      match: { kind: 'schema', schema: { type: 'object' } },
      action: { does: 'annotate' },
    });
    const beside = (rule: Partial<PolicyRule>): string[] =>
      codes(policyOf({ rules: [ruleOf(rule), json] })).filter((it) => !it.startsWith('test'));
    expect(beside({})).toEqual([]);
    expect(beside({ action: { does: 'redact', marker: '"' } })).toEqual(['actionMismatch rules[0].action']);
    expect(beside({ match: { kind: 'length', most: 9 } })).toEqual(['actionMismatch rules[0].action']);
  });
});

describe('any value at all', () => {
  const quiet = (document: unknown): void => {
    const checked = check(document);
    if (checked.kind === 'refused') {
      expect(checked.findings.length).toBeGreaterThan(0);
      for (const { where, message } of checked.findings)
        expect(`${where}${message}`).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }
  };

  it('is judged and not thrown on', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSparseArray: true,
          withNullPrototype: true,
        }),
        quiet,
      ),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), quiet), { numRuns: 200 });
  });

  it('is so too where it was a policy before something of it was changed', () => {
    const paths = pathsOf(policyOf({ parameters: [{ kind: 'locked', field: 'seed' }], texts: { a: { en: 'A.' } } }));
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        '',
        '{{',
        '{{a}}',
        '__proto__',
        'constructor',
        '(',
        'a*',
        -1,
        1e308,
        null,
        [],
        {},
        'input',
        'block',
        'schema',
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), value), { minLength: 1, maxLength: 3 }), (changes) => {
        const document = structuredClone(
          policyOf({ parameters: [{ kind: 'locked', field: 'seed' }], texts: { a: { en: 'A.' } } }),
        );
        for (const [path, to] of changes) setAt(document, path, to);
        quiet(document);
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  it('and so is a policy with every kind of rule', () => {
    const paths = pathsOf(starterPolicy()).filter(([first]) => first !== 'tests');
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('fr', 'topic', 'redact', 'shadow', '(?i)a|', 0, {}),
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), value, (path, to) => {
        const document = starterPolicy();
        setAt(document, path, to);
        quiet(document);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('is small enough for people where it passes', () => {
    const most = plainPolicy('x');
    expect(codes({ ...most, description: 'x'.repeat(MAX_POLICY_BYTES) })).toEqual(['tooLarge']);
  });
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, before: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [before];
  const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [before, ...keys.flatMap((key) => pathsOf((value as never)[key], [...before, key]))].filter(
    (it) => it.length > 0,
  );
}

function setAt(document: unknown, path: Path, to: unknown): void {
  let at = document as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== 'object' || next === null) return;
    at = next as Record<string | number, unknown>;
  }
  at[path.at(-1) ?? ''] = to;
}

describe('a rule that is far slower than it may be', () => {
  it('may not be given so little that a busy machine decides whether it fails', () => {
    expect(check(policyOf({ rules: [ruleOf({ timeLimitMs: 49 })] }))).toMatchObject({
      kind: 'refused',
      findings: [{ code: 'shape', where: 'rules[0].timeLimitMs' }],
    });
  });

  it('is refused where it is slow on long texts in which its own tests stand', () => {
    const pattern = `\\bkeller\\b${'.?'.repeat(900)}`;
    const [positive, ...others] = policyOf().tests;
    const slow = policyOf({
      rules: [ruleOf({ match: { kind: 'regex', pattern, ignoreCase: true } })],
      tests: [testOf({ ...positive, reply: 'Keller', cuts: [], expect: { text: '[code]' } }), ...others],
    });
    expect(check(slow)).toMatchObject({
      kind: 'refused',
      findings: [
        { code: 'tooSlow', where: 'rules[0].timeLimitMs', message: expect.stringContaining('16384') as string },
      ],
    });
  });

  it('is refused where its patterns together have more ranges of letters than a node has time and memory for', () => {
    const rules = Array.from({ length: 60 }, (_, at) =>
      ruleOf({ id: `r${at}`, match: { kind: 'regex', pattern: `q${at}w${'\\pL'.repeat(45)}`, ignoreCase: true } }),
    );
    expect(check(policyOf({ rules }))).toMatchObject({
      kind: 'refused',
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'patternTooLarge', where: 'rules[15].match.pattern' }),
      ]) as unknown,
    });
  });

  it('is refused where to make it ready takes longer, or holds more, than a node has', () => {
    let at = 0;
    const clock: Monotonic = () => (at += 501);
    const findings = (now: Monotonic, memory: () => number) => {
      const checking = checkPolicy(policyOf(), NO_SITE_TERMS, now, memory);
      return checking.kind === 'refused' ? checking.findings : [];
    };
    expect(findings(clock, () => 0)).toMatchObject([{ code: 'tooSlow', where: 'rules' }]);
    let held = 0;
    const memory = () => (held += 65 * 1024 * 1024);
    expect(findings(() => 0, memory)).toMatchObject([{ code: 'tooLarge', where: 'rules' }]);
  });
});
