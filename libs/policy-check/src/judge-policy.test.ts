import type { PromptPolicy } from '@openward/contracts';
import { checkPolicy, clinicalChanges, NO_SITE_TERMS, starterPolicy, type SiteTerms } from '@openward/policy';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { createPolicyJudge, createPolicyThread } from './judge-policy.ts';

const starter = starterPolicy();
const untested = { ...starter, tests: [] };
/** A site whose record numbers look like doses and lengths of time. */
const taking: SiteTerms = { recordNumber: '\\d{3}', variables: {} };

/** The same check, without a thread of its own. */
function findingsHere(document: unknown, terms: SiteTerms) {
  const checking = checkPolicy(document, terms, () => performance.now());
  return checking.kind === 'ok' ? [] : checking.findings;
}

test('a sound policy is given back as it is', async () => {
  expect(await createPolicyJudge()(starter, NO_SITE_TERMS)).toEqual({ kind: 'ok', policy: starter });
});

test.each([
  ['has no tests', untested, NO_SITE_TERMS, 'testMissing'],
  ['fails its tests with the site’s own terms', starter, taking, 'testFailed'],
  ['is no policy', [1], NO_SITE_TERMS, 'shape'],
] as const)('finds what the check of a policy finds in one that %s', async (_, document, terms, code) => {
  const findings = findingsHere(document, terms);
  expect(findings.map((finding) => finding.code)).toContain(code);
  expect(await createPolicyJudge()(document, terms)).toEqual({ kind: 'refused', findings });
});

test('the thread that answers others goes on while a large policy is checked', async () => {
  const many = { ...starter, tests: Array.from({ length: 200 }, (_, at) => starter.tests[at % 2]!) };
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  await createPolicyJudge()(many, NO_SITE_TERMS);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
});

test('what is nested deeper than anybody can walk is refused as here', async () => {
  const nested = JSON.parse(`${'{"items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`) as Record<string, unknown>;
  const rule = { ...starter.rules[0]!, match: { kind: 'schema' as const, schema: nested } };
  expect(await createPolicyJudge()({ ...starter, rules: [rule] }, NO_SITE_TERMS)).toMatchObject({
    kind: 'refused',
    findings: [{ code: 'tooLarge' }],
  });
});

test('a check that takes too long is ended and refuses the policy, and the next one has its turn', async () => {
  const judge = createPolicyJudge(1);
  const both = await Promise.all([judge(starter, NO_SITE_TERMS), judge(starter, NO_SITE_TERMS)]);
  const tooSlow = { kind: 'refused', findings: [{ code: 'tooSlow' }] };
  expect(both).toMatchObject([tooSlow, tooSlow]);
});

const large = { ...starter, tests: starter.tests.concat(starter.tests, starter.tests) };

test.each([
  ['a small sound policy has its thread', starter, NO_SITE_TERMS, 1],
  ['one that was refused has a new thread', starter, taking, 2],
  ['a large one has a new thread', large, NO_SITE_TERMS, 2],
] as const)('what comes after %s', async (_, policy, terms, threads) => {
  const begun: Worker[] = [];
  const onWorker = (worker: Worker): void => void begun.push(worker);
  process.on('worker', onWorker);
  onTestFinished(() => void process.off('worker', onWorker));
  const judge = createPolicyJudge();
  await judge(policy, terms);
  expect(await judge(starter, NO_SITE_TERMS)).toMatchObject({ kind: 'ok' });
  expect(begun).toHaveLength(threads);
});

const redacting: PromptPolicy = {
  ...starter,
  rules: [
    {
      ...starter.rules[0]!,
      stage: 'output',
      match: { kind: 'identifier', identifier: 'recordNumber' },
      action: { does: 'redact', marker: '[record]' },
      mode: 'enforce',
    },
  ],
};

test('clinical sentences are read on the thread, as here', async () => {
  const read = await createPolicyThread().clinical(redacting, taking);
  expect(read).toEqual(clinicalChanges(redacting, taking, () => performance.now()));
  expect(read.changed).toBeGreaterThan(0);
});

test('the thread that answers others goes on while clinical sentences are read', async () => {
  const { clinical } = createPolicyThread();
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  await clinical(redacting, taking);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
});

test('of clinical sentences that take too long none was read, and no policy passes for harmless by it', async () => {
  const { clinical } = createPolicyThread(1);
  expect(await clinical(redacting, taking)).toMatchObject({
    read: 0,
    unread: expect.any(Number) as number,
    changes: [],
  });
  expect((await clinical(redacting, taking)).unread).toBeGreaterThan(0);
});
