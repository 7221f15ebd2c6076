import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Held } from '@openward/activation';
import { digestOf, type ChangeClass, type PromptPolicy, type Release } from '@openward/contracts';
import { NO_SITE_TERMS, type SiteTerms } from '@openward/policy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { Documents } from './documents.ts';
import { judgeHere, policyOf, withRecordNumbers } from './policy.fixture.ts';
import { type AskLeave, assertRuns, type RefusedPolicy } from './policy-check.ts';
import { assignmentOf, diskIn, releaseWith } from './release.fixture.ts';
import { createVerify } from './verify.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openward-verify-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const never = new AbortController().signal;

/** What becomes of a release whose files are all here. */
async function verify(
  release: Release,
  {
    terms = NO_SITE_TERMS,
    document,
    commitments = [],
    serving = release.number === 1 ? null : releaseWith(policyOf()),
    change = release.change,
    askLeave = () => ({ kind: 'again' }),
  }: {
    terms?: SiteTerms;
    document?: string;
    commitments?: string[];
    serving?: Release | null;
    change?: ChangeClass;
    askLeave?: AskLeave;
  } = {},
) {
  const disk = diskIn();
  const refused: RefusedPolicy[] = [];
  const verifier = createVerify({
    store: disk.store,
    documents: new Documents(disk.store),
    config: readConfig(dir),
    commitments: () => commitments,
    assertPolicy: (_, found) => assertRuns(judgeHere, found, terms, (why) => refused.push(why), askLeave),
  });
  const made = assignmentOf(disk, dir, release, document);
  const assignment = { ...made, release: { ...made.release, change } };
  const served = serving === null ? null : assignmentOf(disk, dir, serving).release;
  const active = served === null ? null : ({ release: served.digest, document: served.document } as Held);
  const held = await verifier
    .verify(assignment, active, never)
    .catch((error: unknown) => error as Error & { code?: string });
  return { held, refused };
}

test('a release under a sound policy stands here, under the key of its files: another policy has the same', async () => {
  const one = await verify(releaseWith(policyOf()));
  const other = await verify(releaseWith(withRecordNumbers(), 2), {
    terms: { recordNumber: 'MRN-\\d{7}', variables: { emergencyNumber: '0800 999' } },
  });
  expect(one).toMatchObject({ held: { number: 1, chain: null }, refused: [] });
  expect(other).toMatchObject({ held: { number: 2, key: (one.held as { key?: string }).key }, refused: [] });
});

test.for([
  ['the text that it is', 'policyText', policyOf({ systemPrompt: 'You help.' }), releaseWith(policyOf()), null],
  ['base, where a plan did not know', 'base', policyOf({ systemPrompt: 'You help.' }), releaseWith(policyOf()), null],
  ['a text, and is a rule', 'policyText', withRecordNumbers(), releaseWith(policyOf()), 'changeMismatch'],
  ['a quantisation, and is a rule', 'quantisation', withRecordNumbers(), releaseWith(policyOf()), 'changeMismatch'],
  ['a text, and nothing serves here', 'policyText', policyOf(), null, 'changeMismatch'],
  ['base, and nothing serves here', 'base', policyOf(), null, 'changeMismatch'],
  ['a new service, and one serves here', 'newService', withRecordNumbers(), releaseWith(policyOf()), 'changeMismatch'],
] as const)('N2 an assignment says that the change is %s', async ([, change, policy, serving, code]) => {
  const { held } = await verify(releaseWith(policy, 2), { serving, change });
  expect(held).toMatchObject(code === null ? { number: 2 } : { code });
});

test('E7 a model whose training statement names a set of this site is refused here, unchanged', async () => {
  const set = digestOf('a set');
  const release = releaseWith(policyOf());
  const trained = { ...release, model: { ...release.model, trainingStatement: `On ${set}, and others.` } };
  expect((await verify(trained, { commitments: [digestOf('another set'), set] })).held).toMatchObject({
    code: 'setInTraining',
  });
  expect((await verify(trained, { commitments: [digestOf('another set')] })).held).toMatchObject({ number: 1 });
});

test('a policy one of whose tests fails ends the attempt, and the site is told which rule and which test', async () => {
  const [first, ...rest] = policyOf().tests;
  const failing = policyOf({ tests: [{ ...first!, expect: { ...first!.expect, text: 'Wait.' } }, ...rest] });
  const { held, refused } = await verify(releaseWith(failing));
  expect(held).toMatchObject({ code: 'policyTestFailed' });
  expect((held as Error).message).toContain('weapons, “a weapon”');
  expect(refused).toMatchObject([{ code: 'policyTestFailed', findings: [{ code: 'testFailed', where: 'tests[0]' }] }]);
});

test('a policy whose tests fail with this site’s own record numbers is refused here, unchanged', async () => {
  const release = releaseWith(withRecordNumbers());
  expect((await verify(release)).held).toMatchObject({ number: 1 });
  const { held } = await verify(release, { terms: { recordNumber: '\\d{3} mg', variables: {} } });
  expect(held).toMatchObject({ code: 'policyTestFailed' });
});

test('E6 a verdict that the site’s own words decide leaves no more often than it may, whatever it would be', async () => {
  const policy = withRecordNumbers();
  const asked: string[] = [];
  const askLeave: AskLeave = (of) => {
    asked.push(digestOf(of));
    return { kind: 'withheld', until: Date.parse('2026-04-01T00:00:00Z') };
  };
  const told = async (recordNumber: string | null, of = policy) => {
    const { held, refused } = await verify(releaseWith(of), { terms: { recordNumber, variables: {} }, askLeave });
    return { code: (held as { code?: string }).code ?? 'runs', refused };
  };
  const [passes, fails] = [await told('MRN-\\d{6}'), await told('\\d{3} mg')];
  expect([passes.code, fails.code]).toEqual(['policyWithheld', 'policyWithheld']);
  expect(fails.refused[0]?.findings[0]?.message).toContain('2026-04-01T00:00:00');
  expect(asked).toEqual([digestOf(policy), digestOf(policy)]);
  // What fails anywhere, and what reads nothing of the site, tells nothing of it.
  const [first, ...rest] = policy.tests;
  const broken = { ...policy, tests: [{ ...first!, expect: { ...first!.expect, text: 'Wait.' } }, ...rest] };
  expect((await told('MRN-\\d{6}', broken)).code).toBe('policyTestFailed');
  expect((await told('MRN-\\d{6}', policyOf())).code).toBe('runs');
  expect((await told(null)).code).toBe('runs');
  expect(asked).toHaveLength(2);
});

const rule = policyOf().rules[0]!;
test.for([
  ['a pattern that is none', { rules: [{ ...rule, match: { ...rule.match, pattern: '(' } }] }, 'policyInvalid'],
  ['a rule without tests', { tests: [] }, 'policyInvalid'],
  ['a text that names itself', { texts: { refusal: { en: '{{refusal}}' } } }, 'policyInvalid'],
  ['a model that it is not for', { models: [{ name: 'other', versions: null }] }, 'policyInvalid'],
  ['a version that it is not for', { models: [{ name: 'triage-nano', versions: ['2'] }] }, 'policyInvalid'],
  ['a field that no policy has', { blocks: true }, 'policyInvalid'],
  ['six hundred rules', { rules: Array.from({ length: 600 }, (_, n) => ({ ...rule, id: `r${n}` })) }, 'policyInvalid'],
  ['the words of a newer agent', { minProtocol: 1_000 }, 'agentTooOld'],
] as const)(
  'a policy with %s, pushed by whomever, ends the attempt before anything is loaded',
  async ([, change, code]) => {
    const policy = { ...policyOf(), ...change } as unknown as PromptPolicy;
    expect((await verify(releaseWith(policy))).held).toMatchObject({ code });
  },
);

test('a document of ten megabytes is not parsed, and one that is nested without end is not walked', async () => {
  const release = releaseWith(policyOf());
  const long = { ...release, policy: policyOf({ systemPrompt: 'x'.repeat(10_000_000) }) };
  expect((await verify(long)).held).toMatchObject({ code: 'documentInvalid' });
  const nested = `${'{"items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`;
  const schema = { ...rule, stage: 'output', match: { kind: 'schema', schema: { type: 'NESTED' } } };
  const text = JSON.stringify({ ...release, policy: { ...policyOf(), rules: [schema] } }).replace('"NESTED"', nested);
  expect((await verify(release, { document: text })).held).toMatchObject({ code: 'digestMismatch' });
  expect(digestOf(release)).toMatch(/^sha256:/);
});
