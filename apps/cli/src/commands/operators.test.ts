import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { run, type Ran } from '../terminal.fixture.ts';

let stopServer: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopServer());

/** Runs a command against a control plane that answers by method and path. */
async function against(answers: Readonly<Record<string, unknown>>, args: readonly string[]): Promise<Ran> {
  await stopServer();
  const server = createServer((request, response) => {
    request.resume();
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://plane');
    searchParams.delete('limit');
    const query = searchParams.size === 0 ? '' : `?${searchParams.toString()}`;
    const asked = `${request.method} ${pathname.replace('/api/v1', '')}${query}`;
    response.setHeader('content-type', 'application/json');
    response.statusCode = asked in answers ? 200 : 404;
    response.end(JSON.stringify(answers[asked] ?? { code: 'notFound', message: asked, next: 'x' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stopServer = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const { port } = server.address() as AddressInfo;
  return run(args, { OPENWARD_URL: `http://127.0.0.1:${port}`, OPENWARD_TOKEN: 'a-token' });
}

const DIGEST = `sha256:${'1'.repeat(64)}`;
const row = (id: string, change: object = {}) => ({
  id,
  service: 'triage',
  release: { digest: DIGEST, number: 2 },
  planHash: DIGEST,
  status: 'running',
  wave: 0,
  pauses: [],
  waves: [],
  waits: [],
  startedAt: '2026-03-01T11:00:00Z',
  endedAt: null,
  startedBy: 'ada',
  awaited: 0,
  version: 1,
  ...change,
});

it('lists rollouts under way apart from those that have ended and still await a node', async () => {
  const ended = { status: 'completed', endedAt: '2026-03-01T11:30:00Z', awaited: 2 };
  const ran = await against(
    {
      'GET /rollouts?open=true': { items: [row('ro-aaaaaaaa')], next: null },
      'GET /rollouts?unsettled=true': { items: [row('ro-bbbbbbbb', ended)], next: null },
    },
    ['rollouts', 'list', '--open'],
  );
  const [underWay, after] = ran.out.split('Ended, and still awaiting nodes:');
  expect(underWay).toContain('ro-aaaaaaaa');
  expect(after).toMatch(/ro-bbbbbbbb .*completed.*2 late or owed nodes/);
});

it('names whom a recall would leave with nothing to serve, and changes nothing when it is only asked', async () => {
  const effect = { serving: 3, leftWithNothing: 1, nodes: [{ node: 'oak-1', site: 'oak' }] };
  const answers = { 'GET /releases/triage/2/recall': effect };
  const ran = await against(answers, ['releases', 'recall', 'triage', '2', '--dry-run']);
  expect(ran).toMatchObject({ exitCode: EXIT.ok, out: expect.stringContaining('oak-1 of oak') as string });
  expect(
    await run(['releases', 'recall', 'triage', '2'], { OPENWARD_URL: 'http://127.0.0.1:9', OPENWARD_TOKEN: 'a-token' }),
  ).toMatchObject({
    exitCode: EXIT.usage,
  });
});

it('counts waves from 1 for people and from 0 in JSON', async () => {
  const entry = {
    id: 1,
    at: '2026-03-01T11:00:00Z',
    actor: 'engine',
    action: 'waveStarted',
    subject: 'x',
    details: { wave: 0 },
  };
  const answers = { 'GET /audit': { items: [entry], next: null } };
  expect((await against(answers, ['audit'])).out).toContain('{"wave":1}');
  expect(JSON.parse((await against(answers, ['audit', '--json'])).out)).toMatchObject([{ details: { wave: 0 } }]);
});

it('shows every detail of an audit entry, and one entry by its number', async () => {
  const detail = '1 failed, 0 tolerated: '.padEnd(300, 'x');
  const entry = { id: 7, at: '2026-03-01T11:00:00Z', actor: 'engine', action: 'waveFailed', subject: 'rollout:ro-a' };
  const answers = {
    'GET /audit': { items: [{ ...entry, details: { detail } }], next: null },
    'GET /audit?after=8': { items: [{ ...entry, details: { detail } }], next: null },
    'GET /audit?after=10': { items: [{ ...entry, details: null }], next: null },
  };
  expect((await against(answers, ['audit'])).out).toContain(detail);
  expect((await against(answers, ['audit', 'show', '7'])).out).toContain(`"detail": "${detail}"`);
  expect(await against(answers, ['audit', 'show', '9'])).toMatchObject({
    exitCode: EXIT.usage,
    err: expect.stringContaining('no audit entry 9') as string,
  });
});

it('tells of a slip on the command line in its own words, and asks nobody', async () => {
  for (const [args, words] of [
    [['rollouts', 'watch', 'nonsense'], /nonsense is no rollout's id[^]*such as ro-/],
    [['rollouts', 'pause', 'RO-1'], /no rollout's id/],
    [['rollouts', 'start', '--service', 'a', '--release', '1', '--approve', 'abc'], /--approve abc is no hash[^]*64/],
    [['audit', '--limit', 'many'], /--limit many is not a number/],
    [['access', 'add', 'bob', '--role', 'admin', '--days', 'ten'], /--days ten is not a number/],
  ] as const) {
    const ran = await against({}, args);
    expect([ran.exitCode, ran.err]).toEqual([EXIT.usage, expect.stringMatching(words)]);
  }
});

it('shows plan and evidence, both where both are asked for', async () => {
  const release = { digest: DIGEST, number: 2 };
  const lists = { waves: [], gates: [], blocked: [], live: [], warnings: [] };
  const plan = { hash: DIGEST, service: 'triage', release, settings: {}, suite: DIGEST, ...lists };
  const answers = {
    'GET /rollouts/ro-aaaaaaaa/plan': plan,
    'GET /rollouts/ro-aaaaaaaa/evidence': { items: [] },
  };
  const show = ['rollouts', 'show', 'ro-aaaaaaaa'];
  const both = await against(answers, [...show, '--plan', '--evidence']);
  expect(both.out).toMatch(/Plan of triage release 2[^]*node +at +bundled +own/i);
  const json = JSON.parse((await against(answers, [...show, '--plan', '--evidence', '--json'])).out) as object;
  expect(json).toMatchObject({ plan: { hash: DIGEST }, evidence: [] });
  expect((await against(answers, [...show, '--evidence'])).out).not.toContain('Plan of');
});

it('a list of releases names what each binds, and carries no documents', async () => {
  const row = {
    digest: `sha256:${'a'.repeat(64)}`,
    service: 'triage',
    number: 2,
    change: 'policyRule',
    model: { name: 'nano', version: '1' },
    policy: { id: 'ward', revision: 3 },
    suite: { name: 'safety', version: 4 },
    createdAt: '2026-03-01T08:00:00.000Z',
    createdBy: 'ada',
    recalled: null,
  };
  const ran = await against({ 'GET /releases?service=triage': { items: [row], next: null } }, [
    'releases',
    'list',
    'triage',
  ]);
  expect(ran.exitCode).toBe(EXIT.ok);
  expect(ran.out).toContain('2        nano 1  policy rule  ward@3  safety 4');
});
