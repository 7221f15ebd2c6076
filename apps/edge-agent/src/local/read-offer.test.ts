import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attempt, Held, NodeState } from '@openward/activation';
import { INITIAL } from '@openward/activation';
import type { Assignment, PromptPolicy, Release } from '@openward/contracts';
import { clinicalChanges, NO_SITE_TERMS, type SiteTerms } from '@openward/policy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Documents } from '../node/documents.ts';
import { offeredPolicies } from '../node/offered-policies.ts';
import { refusedOf } from '../node/policy-check.ts';
import { judgeHere, policyOf, withRecordNumbers } from '../node/policy.fixture.ts';
import { assignmentOf, diskIn, releaseWith } from '../node/release.fixture.ts';
import { missingBytes, offersHere } from './offers-here.ts';
import { readOffer, type OfferReading } from './read-offer.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openward-offer-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const UNANSWERED: Attempt['consent'] = { prepare: null, activate: false, deferUntil: null, waiver: null };

/** A node at which release 2 waits for its first answer, of which nothing is here, while release 1 serves, or nothing does. */
function site(
  serves: boolean,
  refusals: ReturnType<OfferReading['refusals']> = [],
  terms: SiteTerms = NO_SITE_TERMS,
  policy = withRecordNumbers({ revision: 2 }),
  others: Partial<Release> = {},
) {
  const here = diskIn();
  const elsewhere = diskIn();
  const documents = new Documents(here.store);
  const first = assignmentOf(here, dir, releaseWith(policyOf()));
  const second = assignmentOf(elsewhere, dir, { ...releaseWith(policy, 2), ...others });
  const fetched: Assignment[] = [];
  let meanwhile = (): void => undefined;
  const active: Held = {
    key: 'key',
    release: first.release.digest,
    number: 1,
    variant: first.variant.name,
    document: first.release.document,
    artifact: first.variant.artifact,
    chain: null,
  };
  const attempt: Attempt = { assignment: second, consent: UNANSWERED, progress: { at: 'offered' } };
  const record = {
    active: serves ? active : null,
    lastGood: null,
    anchor: null,
    halted: false,
    pinned: false,
    attempt: refusals.length > 0 ? null : attempt,
    past: [],
  };
  let state: NodeState = { ...INITIAL, durable: { ...INITIAL.durable, services: { triage: record } } };
  const reading: OfferReading = {
    state: () => state,
    releaseOf: ({ release, document }) => documents.release(release, document),
    isHere: ({ release }) => Promise.resolve(here.paths.has(release.document.file)),
    missing: (assignment) => missingBytes(assignment, (file) => Promise.resolve(here.paths.has(file))),
    fetchDocument: (assignment) => {
      fetched.push(assignment);
      const { file } = assignment.release.document;
      here.paths.set(file, elsewhere.paths.get(file)!);
      meanwhile();
      return Promise.resolve();
    },
    refusals: () => refusals,
    terms: () => terms,
    clinical: (of) => Promise.resolve(clinicalChanges(of, terms, () => performance.now())),
    refusedNow: (release) => refusedOf(judgeHere, release, terms),
  };
  /** While the document of release 2 is being fetched, this comes in its place: another release, or nothing. */
  const supersede = (made: Release | null): void => {
    meanwhile = () => {
      const assignment = made === null ? null : assignmentOf(elsewhere, dir, made);
      const next = assignment === null ? null : { ...attempt, assignment: { ...assignment, id: 'ro-abcdefgh.n1.2' } };
      state = { ...state, durable: { ...state.durable, services: { triage: { ...record, attempt: next } } } };
      meanwhile = () => undefined;
    };
  };
  return { reading, fetched, second, here, supersede };
}

test('N2 reading an offer before the first answer fetches its document once, and nothing else of it', async () => {
  const { reading, fetched, second, here } = site(true);
  const before = new Set(here.paths.keys());
  expect((await readOffer(reading, 'triage')).fetched).toBe(true);
  expect((await readOffer(reading, 'triage')).fetched).toBe(false);
  expect(fetched).toEqual([second]);
  expect([...here.paths.keys()].filter((file) => !before.has(file))).toEqual([second.release.document.file]);
});

test('N2 an offer says how much of it is missing on this disk, which for a change of policy alone is its document', async () => {
  const { reading, second, here } = site(true);
  const offer = async () => (await offersHere(reading.state(), reading.missing))[0]!;
  const { bytes, missingBytes } = await offer();
  expect(missingBytes).toBe(second.release.document.size);
  expect(bytes).toBeGreaterThan(10 * missingBytes);
  expect((await readOffer(reading, 'triage')).offer).toMatchObject({ bytes, missingBytes: 0 });
  here.paths.clear();
  expect(await offer()).toMatchObject({ bytes, missingBytes: bytes });
});

test('the site reads each pattern in plain text, and what changes against what serves, before it consents', async () => {
  const { reading } = site(true);
  const { offer, release, policy, serving } = await readOffer(reading, 'triage');
  expect(offer).toMatchObject({ service: 'triage', number: 2, step: 'awaitingPreparation' });
  expect(release).toMatchObject({
    number: 2,
    policy: { id: 'ward', revision: 2 },
    service: { fallbackText: 'Call 112.' },
  });
  expect(policy).toContain('weapons?');
  expect(policy).toContain('medical record numbers');
  expect(serving).toMatchObject({
    number: 1,
    diff: { change: 'policyRule', rules: [{ rule: 'record-numbers', kind: 'added' }] },
  });
});

test('N2 the site reads what differs beside the policy: parameters, the fallback text, and the file that runs here', async () => {
  expect((await readOffer(site(true).reading, 'triage')).serving?.fields).toEqual([]);
  const { service } = releaseWith(policyOf());
  const others = { parameters: { temperature: 1.9, maxTokens: 8 }, service: { ...service, fallbackText: 'Wait.' } };
  const { reading, second } = site(true, [], NO_SITE_TERMS, policyOf(), others);
  second.variant.name = 'q4';
  const { serving } = await readOffer(reading, 'triage');
  expect(serving?.diff.change).toBeNull();
  expect(serving?.fields).toEqual([
    { field: 'service.fallbackText', from: '"Call 112."', to: '"Wait."' },
    { field: 'parameters.temperature', from: '0', to: '1.9' },
    { field: 'here.variant', from: '"f16"', to: '"q4"' },
  ]);
});

test('the site’s own values stand in what it reads', async () => {
  const terms = { recordNumber: 'MRN-[0-9]{6}', variables: { emergencyNumber: '117' } };
  const { policy, refused } = await readOffer(site(true, [], terms).reading, 'triage');
  expect(policy).toContain('{{emergencyNumber}}: “117”, as you have set it');
  expect(policy).toContain('by your pattern MRN-[0-9]{6}');
  expect(refused).toBeNull();
});

test('the site reads how many clinical sentences the policy would change with its own words, and which', async () => {
  const records = { recordNumber: String.raw`mmHg`, variables: {} };
  const { clinical } = await readOffer(site(true, [], records).reading, 'triage');
  expect(clinical?.changed).toBeGreaterThan(0);
  expect(clinical?.unread).toBe(0);
  expect(clinical?.changes[0]).toMatchObject({ language: 'en', rules: ['record-numbers'] });
  expect((await readOffer(site(true).reading, 'triage')).clinical).toMatchObject({ changed: 0, changes: [] });
  const unsound = policyOf({ revision: 2, systemPrompt: 'Call {{nobody}}.' });
  expect((await readOffer(site(true, [], records, unsound).reading, 'triage')).clinical).toBeNull();
});

test.each<[string, PromptPolicy, SiteTerms, object]>([
  [
    'could harm',
    policyOf({ revision: 2, systemPrompt: 'Call {{nobody}}.' }),
    NO_SITE_TERMS,
    { code: 'policyInvalid', findings: [{ code: 'variableUnknown' }] },
  ],
  [
    'takes out a dose with the site’s own pattern',
    withRecordNumbers({ revision: 2 }),
    { recordNumber: '[0-9]{3} mg', variables: {} },
    {
      code: 'policyTestFailed',
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'siteTermInvalid', where: 'record-number [0-9]{3} mg' }),
        expect.objectContaining({ message: expect.stringContaining('record-numbers, “a dose”') as string }),
      ]) as unknown,
    },
  ],
  [
    'was written for another model',
    policyOf({ revision: 2, models: [{ name: 'another', versions: null }] }),
    NO_SITE_TERMS,
    { code: 'policyInvalid', findings: [{ where: 'models' }] },
  ],
  [
    'needs another agent',
    policyOf({ revision: 2, minProtocol: 1_000 }),
    NO_SITE_TERMS,
    { code: 'agentTooOld', findings: [{ where: 'minProtocol' }] },
  ],
])('N2 a person reads before the first answer that this node would refuse a policy that %s', async (...given) => {
  const [, policy, terms, why] = given;
  const { refused } = await readOffer(site(true, [], terms, policy).reading, 'triage');
  expect(refused).toMatchObject(why);
});

test('where nothing serves there is nothing that it could be compared with', async () => {
  expect((await readOffer(site(false).reading, 'triage')).serving).toBeNull();
});

test('a release that was refused for its policy is told of with its rule and test, and what never was with its name', async () => {
  const findings = [{ code: 'testFailed', where: 'tests[0]', message: 'weapons, “a weapon” (en): text' }];
  const refusal = { service: 'triage', release: 'sha256:2', number: 2, findings, at: 1 };
  const { reading, fetched } = site(true, [refusal]);
  await expect(readOffer(reading, 'triage')).rejects.toMatchObject({
    code: 'notWaiting',
    message: expect.stringContaining('weapons, “a weapon”') as string,
  });
  await expect(readOffer(reading, 'summary')).rejects.toMatchObject({ message: 'No release of summary waits here.' });
  expect(fetched).toEqual([]);
});

test('N2 what is shown is what waits when the document is here: another that came meanwhile, or nothing', async () => {
  const { reading, fetched, supersede } = site(true);
  supersede(releaseWith(withRecordNumbers({ revision: 3 }), 3));
  expect(await readOffer(reading, 'triage')).toMatchObject({
    offer: { number: 3, assignment: 'ro-abcdefgh.n1.2' },
    release: { number: 3, policy: { revision: 3 } },
  });
  expect(fetched.map(({ release }) => release.number)).toEqual([2, 3]);
  const other = site(true);
  other.supersede(null);
  await expect(readOffer(other.reading, 'triage')).rejects.toMatchObject({ code: 'notWaiting' });
});

test('N2 the policy of a release that waits is read from its document, which is fetched where a person asked alone', async () => {
  const { reading, fetched } = site(true);
  expect(await offeredPolicies(reading, 'here')).toEqual({ policies: [], unread: [{ service: 'triage', number: 2 }] });
  expect(fetched).toEqual([]);
  const { policies, unread } = await offeredPolicies(reading, 'fetched');
  expect(policies).toMatchObject([{ service: 'triage', number: 2, policy: { revision: 2 } }]);
  expect([unread, fetched.length]).toEqual([[], 1]);
  expect((await offeredPolicies(reading, 'here')).policies).toHaveLength(1);
});
