import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Held } from '@openward/activation';
import { digestOf, type Assignment, type ChangeClass, type PromptPolicy, type Release } from '@openward/contracts';
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

function takenAs(made: Assignment, { model }: Release, name: string): Assignment {
  const found = model.variants.find((it) => it.variant === name);
  if (found === undefined) throw new Error(`there is no variant ${name}`);
  return { ...made, variant: { ...made.variant, name, artifact: found.artifact } };
}

const heldOf = ({ release, variant: { artifact } }: Assignment): Held =>
  ({ release: release.digest, document: release.document, artifact }) as Held;

/** Two variants of one version; both are the demo's smallest model on this disk, under digests of their own. */
const withVariants = (release: Release, ...names: string[]): Release => {
  const [f16] = release.model.variants;
  if (f16 === undefined) throw new Error('a release of one variant was expected');
  const others = names.map((variant) => ({ ...f16, variant, artifact: { ...f16.artifact, file: digestOf(variant) } }));
  return { ...release, model: { ...release.model, variants: [f16, ...others] } };
};

/** What becomes of a release whose files are all here. */
async function verify(
  release: Release,
  {
    terms = NO_SITE_TERMS,
    document,
    commitments = [],
    serving = release.number === 1 ? null : releaseWith(policyOf()),
    change = release.change,
    runs = 'f16',
    takes = 'f16',
    askLeave = () => ({ kind: 'again' }),
  }: {
    terms?: SiteTerms;
    document?: string;
    commitments?: string[];
    serving?: Release | null;
    change?: ChangeClass;
    /** The variants before and after. */
    runs?: string;
    takes?: string;
    askLeave?: AskLeave;
  } = {},
) {
  const disk = diskIn();
  const [f16, ...others] = [...release.model.variants, ...(serving?.model.variants ?? [])];
  const here = disk.paths.get(f16!.artifact.file)!;
  for (const { artifact } of others) disk.paths.set(artifact.file, here);
  const refused: RefusedPolicy[] = [];
  const verifier = createVerify({
    store: disk.store,
    documents: new Documents(disk.store),
    config: readConfig(dir),
    commitments: () => commitments,
    assertPolicy: (_, found) => assertRuns(judgeHere, found, terms, (why) => refused.push(why), askLeave),
  });
  const made = takenAs(assignmentOf(disk, dir, release, document), release, takes);
  const assignment = { ...made, release: { ...made.release, change } };
  const active = serving === null ? null : heldOf(takenAs(assignmentOf(disk, dir, serving), serving, runs));
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

const text = policyOf({ systemPrompt: 'You help.' });
test.for([
  ['a text, and is one for the file that runs', 'policyText', text, 'q4', 'q4', null],
  ['a text, and brings another variant', 'policyText', text, 'f16', 'q4', 'changeMismatch'],
  ['a rule, and brings another variant', 'policyRule', withRecordNumbers(), 'q4', 'f16', 'changeMismatch'],
  ['base, and brings another variant', 'base', text, 'f16', 'q4', null],
  ['a quantisation, and is one that serves bound', 'quantisation', policyOf(), 'f16', 'q4', null],
  ['what the release is, and brings another variant', 'policyRule', policyOf(), 'f16', 'q4', 'changeMismatch'],
] as const)(
  'N2 an assignment says that the change is %s, by the files on this disk',
  async ([, change, policy, runs, takes, code]) => {
    const serving = { ...withVariants(releaseWith(policyOf()), 'q4'), change: 'policyRule' as const };
    const { held } = await verify(withVariants(releaseWith(policy, 2), 'q4'), { serving, change, runs, takes });
    expect(held).toMatchObject(code === null ? { number: 2, variant: takes } : { code });
    if (code !== null) expect((held as Error).message).toContain('variant');
  },
);

test('N2 a file that the release that serves has not bound is no quantisation, whatever its version', async () => {
  const serving = withVariants(releaseWith(policyOf()), 'q4');
  const release = withVariants(releaseWith(policyOf(), 2), 'q4', 'q2');
  const told = async (change: ChangeClass, takes: string) =>
    (await verify(release, { serving, change, runs: 'f16', takes })).held;
  expect(await told('quantisation', 'q2')).toMatchObject({ code: 'changeMismatch' });
  expect(await told('base', 'q2')).toMatchObject({ number: 2 });
  expect(await told('quantisation', 'q4')).toMatchObject({ number: 2 });
  expect(await told('quantisation', 'f16')).toMatchObject({ number: 2 });
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
