import { digestOf, plainPolicy, type Report } from '@openward/contracts';
import { aRelease, aRollout, aSuite, evidenceOf, inputOf } from '@openward/rollout/testing';
import { withDatabase } from '@openward/testkit';
import { assignmentOf, type Effect } from '@openward/rollout';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Repositories } from './persistence.ts';
import { MIGRATED, openOn, putNode, type OpenPersistence } from './testing-fixtures.ts';

// What each method sends, as files to be read in review. A change of a query shows up in a diff of its file:
// `vitest run -u` writes them anew.

let opened: OpenPersistence;
beforeAll(async () => {
  opened = openOn(await withDatabase(MIGRATED));
});
afterAll(() => opened[Symbol.asyncDispose]());

const CLAUSE =
  /^ (?:from|where|(?:left |inner )?join|on conflict|order by|limit|returning|set|values|for (?:share|update|no key)) /;

/** One clause a line, so that a diff shows which one changed. What a person laid out keeps its lines. */
function laidOut(statement: string): string {
  if (statement.includes('\n')) return `${withoutIndent(statement)};\n`;
  let depth = 0;
  let text = '';
  for (let index = 0; index < statement.length; index += 1) {
    const char = statement[index] ?? '';
    depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    const isClause = depth === 0 && CLAUSE.test(`${statement.slice(index)} `) && !/\b(?:left|inner)$/.test(text);
    text += isClause ? '\n' : char;
  }
  return `${text};\n`;
}

function withoutIndent(statement: string): string {
  const lines = statement.split('\n').map((line) => line.trimEnd());
  const least = Math.min(
    ...lines
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => line.search(/\S/)),
  );
  return lines
    .map((line) => line.replace(new RegExp(`^ {${least}}`), ''))
    .join('\n')
    .trim();
}

const page = { limit: 50, after: 'm' };
const nodeRef = { site: 'a-hospital', node: 'a' };
const rollout = aRollout([['a']]);
const secret = digestOf('secret');
const artifact = { manifest: digestOf('m'), file: digestOf('f'), size: 1, family: 'triage-nano' };
const { variants, ...head } = aRelease(1).model;
const [variant = { variant: 'f16', artifact, needs: { threads: 1, memoryBytes: 1 } }] = variants;
const effects: Effect[] = [
  { kind: 'setAssignment', ...nodeRef, assignment: assignmentOf(rollout, 'a') ?? expect.fail('nothing is offered') },
  {
    kind: 'audit',
    entry: {
      at: 0,
      by: 'engine',
      action: 'waveStarted',
      rollout: rollout.id,
      planHash: rollout.plan.hash,
      wave: 0,
      node: null,
      reason: null,
      detail: null,
    },
  },
];
const change = { state: rollout, effects, dueAt: 0, open: true };
const reportOf = (seq: number, body: Report['body']): Report => ({
  v: 1,
  ...nodeRef,
  boot: '00000000-0000-4000-8000-000000000001',
  seq,
  ledger: { seq, head: secret },
  body,
});
const { service } = inputOf(rollout, 'a', 1, { step: 'fetching' });
const state: Report['body'] = {
  type: 'state',
  agentVersion: '0.1.0',
  protocol: 1,
  generation: null,
  class: {
    threads: 1,
    memoryGiB: 1,
    diskGiB: 256,
    diskFreePercent: 5,
    runtime: 'llamaCpp',
    runtimeServers: 1,
    runtimeVersion: '1',
    runtimeSafe: 'safe',
  },
  uptimeHours: 0,
  services: service === null ? [] : [service],
  suites: [],
};
const enrolment = (node: string, key: string) => ({
  node,
  identityKey: key,
  identityKeyId: key,
  controlKey: `c ${key}`,
  bulkKey: `b ${key}`,
  credentialsUntil: new Date(0),
});
const because = { by: 'ada', reason: 'why' };
const token = (id: string) => ({ id, site: 'site-1', digest: digestOf(id), lifetimeMs: 60_000 });

// In this order, since later ones stand on what earlier ones wrote.
const methods: readonly (readonly [string, (it: Repositories) => Promise<unknown>])[] = [
  [
    'sites.create',
    (it) =>
      it.sites.create(
        { name: 'site-1', tier: 'primary', labels: {}, languages: [], timeZone: 'UTC', linkBytesPerSecond: null },
        'ada',
      ),
  ],
  ['sites.find', (it) => it.sites.find('site-1')],
  ['sites.list', (it) => it.sites.list(page)],
  ['tokens.create', (it) => it.tokens.create(token('t1'), 'ada')],
  ['tokens.list', (it) => it.tokens.list('site-1', page)],
  ['nodes.enrol', (it) => it.nodes.enrol(digestOf('t1'), enrolment('n1', 'k1'))],
  ['nodes.enrol.again', (it) => it.nodes.enrol(digestOf('t1'), enrolment('n1', 'k1'))],
  ['nodes.revoke', (it) => it.nodes.revoke('n1', 'ada', 'why')],
  ['nodes.find', (it) => it.nodes.find('n1')],
  ['nodes.view', (it) => it.nodes.view('n1')],
  ['nodes.list', (it) => it.nodes.list(page, { site: 'site-1' })],
  ['nodes.ackedThrough', (it) => it.nodes.ackedThrough('n1')],
  ['nodes.renewed', (it) => it.nodes.renewed('n1', { control: 'c', bulk: 'b', until: new Date(0), nonce: 'n' })],
  ['nodes.pruneRenewals', (it) => it.nodes.pruneRenewals()],
  ['nodes.pruneKeys', (it) => it.nodes.pruneKeys()],
  ['nodes.revokedKeys', (it) => it.nodes.revokedKeys()],
  ['nodeLinks.saw', (it) => it.nodeLinks.saw({ connected: ['n1'], before: [] })],
  ['nodeLinks.outOfReach', (it) => it.nodeLinks.outOfReach()],
  [
    'accessTokens.create',
    (it) => it.accessTokens.create({ name: 'x', role: 'admin', digest: secret, lifetimeMs: 1000 }, 'ada'),
  ],
  ['accessTokens.find', (it) => it.accessTokens.find(secret)],
  ['accessTokens.list', (it) => it.accessTokens.list(page)],
  ['accessTokens.revoke', (it) => it.accessTokens.revoke('x', 'ada')],
  ['services.create', (it) => it.services.create(aRelease(1).service, 'ada')],
  ['services.find', (it) => it.services.find('triage')],
  ['services.list', (it) => it.services.list(page)],
  ['models.register', (it) => it.models.register(head, variant, 'ada')],
  ['models.mayBeUsed', (it) => it.models.mayBeUsed(head.name, head.version)],
  ['models.find', (it) => it.models.find(head.name, head.version)],
  ['models.list', (it) => it.models.list({ limit: 50, after: 'm@1' }, { name: head.name })],
  ['artifacts.find', (it) => it.artifacts.find('triage-nano', artifact.manifest)],
  ['suites.create', (it) => it.suites.create({ digest: digestOf('suite'), artifact, document: aSuite() }, 'ada')],
  ['suites.find', (it) => it.suites.find('triage-safety', 1)],
  ['suites.findByDigest', (it) => it.suites.findByDigest(secret)],
  ['suites.list', (it) => it.suites.list({ limit: 50, after: 'm@1' }, { service: 'triage' })],
  ['policies.create', (it) => it.policies.create(plainPolicy(''), 'ada')],
  ['policies.find', (it) => it.policies.find({ id: 'plain', revision: 1 })],
  ['policies.ending', (it) => it.policies.ending()],
  ['policies.list', (it) => it.policies.list({ limit: 50, after: 'm@1' }, { id: 'plain' })],
  ['releases.create', (it) => it.releases.create('triage', 'ada', async () => ({ document: aRelease(1), artifact }))],
  [
    'releases.binding',
    (it) =>
      it.releases.binding('triage', {
        model: { name: 'triage-nano', version: '1' },
        policy: { id: 'plain', revision: 1 },
        suite: { name: 'triage-safety', version: 1 },
      }),
  ],
  ['releases.find', (it) => it.releases.find('triage', 1)],
  ['releases.list', (it) => it.releases.list('triage', { limit: 50, after: '9' })],
  ['releases.recall', (it) => it.releases.recall(digestOf(aRelease(1)), because, async () => {})],
  ['releases.servedBy', (it) => it.releases.servedBy(secret)],
  ['releases.recalled', (it) => it.releases.recalled()],
  [
    'rolloutStore.start',
    (it) => it.rolloutStore.start('triage', () => ({ start: { rollout: change, others: [] }, result: null })),
  ],
  ['rolloutStore.turnDue', (it) => it.rolloutStore.turnDue(1, () => ({ change, result: null }))],
  ['rolloutStore.turnOne', (it) => it.rolloutStore.turnOne(rollout.id, ['a'], () => ({ change: null, result: null }))],
  ['rolloutStore.openOf', (it) => it.rolloutStore.openOf(secret)],
  ['rolloutStore.read', (it) => it.rolloutStore.read(rollout.id)],
  ['rollouts.find', (it) => it.rollouts.find(rollout.id)],
  ['rollouts.list', (it) => it.rollouts.list({ limit: 50, after: '9' }, { service: 'triage', open: true })],
  ['rollouts.plan', (it) => it.rollouts.plan(rollout.id)],
  ['rollouts.evidence', (it) => it.rollouts.evidence(rollout.id)],
  ['reports.append.state', (it) => it.reports.append(reportOf(1, state), 500)],
  ['reports.append.evidence', (it) => it.reports.append(reportOf(2, evidenceOf(rollout, 'a')), 500)],
  ['rollouts.pruneReports', (it) => it.rollouts.pruneReports(1)],
  ['rollouts.pruneMarks', (it) => it.rollouts.pruneMarks()],
  ['outbox.claim', (it) => it.outbox.claim(10, 1000)],
  ['outbox.newest', (it) => it.outbox.newest(nodeRef)],
  ['outbox.done', (it) => it.outbox.done(nodeRef, { generation: { epoch: 1, number: 1 }, revision: 1 })],
  ['outbox.drop', (it) => it.outbox.drop(nodeRef)],
  ['outbox.putOff', (it) => it.outbox.putOff(nodeRef, 1000)],
  ['planFacts', (it) => it.planFacts('triage', 1)],
  ['removalMarks', (it) => it.removalMarks()],
  ['models.retire', (it) => it.models.retire(head.name, head.version, because)],
  [
    'reports.enterReadOnly',
    (it) => it.reports.enterReadOnly({ node: 'a', reported: { epoch: 1, number: 9 }, held: null }),
  ],
  ['reports.voices', (it) => it.reports.voices()],
  [
    'reports.noteLoneVoice',
    (it) => it.reports.noteLoneVoice({ node: 'a', reported: { epoch: 1, number: 9 }, held: null }),
  ],
  ['network.ahead', (it) => it.network.ahead()],
  ['network.read', (it) => it.network.read()],
  ['network.openEpoch', (it) => it.network.openEpoch('ada', 'why')],
  ['network.offerAgain', (it) => it.network.offerAgain()],
  ['network.outboxLag', (it) => it.network.outboxLag()],
  ['network.held', (it) => it.network.held('a')],
  ['idempotency.once', (it) => it.idempotency.once('key', secret, async () => null)],
  ['idempotency.keepNewest', (it) => it.idempotency.keepNewest('#plan ', 10)],
  ['idempotency.prune', (it) => it.idempotency.prune(1000)],
  ['audit.list', (it) => it.audit.list({ limit: 50, after: '9' }, { subject: 'network' })],
];

it('sends the statements that stand in src/postgres/sql', async () => {
  await putNode(opened.persistence.db, nodeRef);
  for (const [name, call] of methods) {
    opened.statements.length = 0;
    await call(opened.persistence);
    await expect(opened.statements.map(laidOut).join('\n')).toMatchFileSnapshot(`./sql/${name}.sql`);
  }
});
