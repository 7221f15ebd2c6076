import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { run } from '../terminal.fixture.ts';

let folder: string;
let server: Server;
let asked: { path: string; body: string }[];
let answer: (path: string) => unknown;

// An agent's socket that answers what a test says; the agent's own side has tests of its own.
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openward-cli-'));
  const socket = join(folder, 'agent.sock');
  writeFileSync(join(folder, 'socket'), socket);
  asked = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      asked.push({ path: request.url ?? '', body });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(request.url ?? '')));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const node = (...args: string[]) => run(['node', ...args], { OPENWARD_NODE_DATA: folder });
const release = `sha256:${'1'.repeat(64)}`;

it('names the release that a site’s own rollback goes to (N5)', async () => {
  answer = () => ({ done: true, serves: { release, number: 3 } });
  const ran = await node('rollback', 'triage');
  expect(ran).toMatchObject({
    exitCode: EXIT.ok,
    out:
      'triage: gone back, and pinned; release 3 is what it goes back to.\n' +
      '`openward node doctor` says how to take a newer one up again.\n',
  });
  await node('rollback', 'triage', '--release', '3');
  expect(asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { kind: 'rollback', service: 'triage' },
    { kind: 'rollback', service: 'triage', to: 3 },
  ]);
});

it('N5 a resume of what was not halted says so, and not that it serves again', async () => {
  answer = () => ({ done: true, serves: { release, number: 3 }, wasHalted: false });
  expect(await node('resume', 'triage')).toMatchObject({
    exitCode: EXIT.ok,
    out: expect.stringMatching(/^triage was not halted, and nothing has changed; release 3 is what it has/) as string,
  });
  answer = () => ({ done: true, serves: { release, number: 3 }, wasHalted: true });
  expect((await node('resume', 'triage')).out).toBe('triage: resumed; release 3 serves again.\n');
});

it('shows the newest rows of the ledger where a limit is given, and the next ones after a sequence', async () => {
  const row = (seq: number) => ({ seq, kind: 'report', subject: 's', bytes: '', at: 0, head: release });
  answer = (path) => {
    const query = new URL(path, 'http://node').searchParams;
    const after = Number(query.get('after'));
    const items = [1, 2, 3, 4, 5].filter((seq) => seq > after).slice(0, Number(query.get('limit') ?? 100));
    return { items: items.map(row), next: items.length < 5 - after ? items.at(-1) : null, newest: 5 };
  };
  const seqs = async (...args: string[]): Promise<number[]> =>
    (JSON.parse((await node('disclosures', '--json', ...args)).out) as { seq: number }[]).map(({ seq }) => seq);
  expect(await seqs('--limit', '2')).toEqual([4, 5]);
  expect(await seqs('--after', '1', '--limit', '2')).toEqual([2, 3]);
  expect(await seqs()).toEqual([1, 2, 3, 4, 5]);
});

it('acknowledges a restored ledger with a reason, and not without one (P8)', async () => {
  answer = () => ({ done: true, serves: null });
  expect(await node('disclosures', 'acknowledge')).toMatchObject({ exitCode: EXIT.usage });
  expect(asked).toEqual([]);
  const ran = await node('disclosures', 'acknowledge', '--reason', 'the machine was restored');
  expect(ran).toMatchObject({ exitCode: EXIT.ok });
  const body = { kind: 'acknowledgeLedger', reason: 'the machine was restored' };
  expect(asked).toEqual([{ path: '/commands', body: JSON.stringify(body) }]);
});

const offer = (rest: object = {}) => ({
  service: 'triage',
  assignment: 'ro-abcdefgh.n1.1',
  release,
  number: 5,
  change: 'policyText',
  model: 'nano 1.0',
  variant: 'q4',
  bytes: 1000,
  suite: { digest: release, readsSiteData: false, accepted: true },
  step: 'awaitingPreparation',
  question: 'prepare',
  waitsFor: 'consentToPrepare',
  deferredUntil: null,
  gate: null,
  result: null,
  ...rest,
});
const offers = (...items: object[]) => {
  answer = (path) => (path === '/offers' ? { items } : { done: true, serves: null });
};
const commanded = (): unknown[] =>
  asked.filter(({ path }) => path === '/commands').map(({ body }) => JSON.parse(body) as unknown);

it('N2 a plain accept sends the release and the question that it has read, and says which they were', async () => {
  offers(offer());
  const ran = await node('accept', 'triage');
  expect(ran).toMatchObject({
    exitCode: EXIT.ok,
    out: 'triage release 5 (nano 1.0, variant q4, policyText): it may be fetched and evaluated.\n',
  });
  const { service, assignment, question } = offer();
  expect(commanded()).toEqual([{ kind: 'accept', service, assignment, question }]);
});

const offerRead = {
  offer: offer(),
  release: {
    service: {
      name: 'triage',
      purpose: 'Sorts patients.',
      users: 'Nurses',
      languages: ['en'],
      riskClass: 'high',
      fallbackText: 'Call 112.',
    },
    number: 5,
    model: { name: 'nano', version: '1', contextLength: 256 },
    parameters: { temperature: 0, maxTokens: 8 },
    suite: { name: 'safety', version: 1 },
    policy: { id: 'ward', revision: 2 },
  },
  policy: '',
  clinical: null,
  serving: null,
  fetched: false,
};

it('a yes to what this node would refuse is warned of first, and stands', async () => {
  const findings = [{ code: 'testFailed', where: 'tests[2]', message: 'a dose (en): asked' }];
  const read = { refused: { code: 'policyTestFailed', findings } };
  answer = (path) =>
    path === '/offers'
      ? { items: [offer({ question: 'activate' })] }
      : path === '/offers/triage'
        ? { ...offerRead, ...read }
        : { done: true, serves: null };
  const ran = await node('accept', 'triage');
  expect(ran.err).toContain(
    'this node would refuse its policy, and nothing would change: tests[2]: a dose (en): asked',
  );
  expect(commanded()).toHaveLength(1);
});

it.each([
  ['another release waits', [offer()], ['--release', '4'], 'Release 5 of triage waits here, and not 4.'],
  ['nothing waits', [], [], 'No release of triage waits here.'],
  ['nothing is asked', [offer({ question: null, waitsFor: 'wave' })], [], 'waits for no answer, but for wave'],
  ['its suite is asked for', [offer({ question: 'acceptSuite' })], [], 'openward node suites accept sha256:'],
  ['a hold comes too late', [offer({ question: 'activate' })], ['--hold-result'], 'a plain yes lets it leave'],
])('N2 an accept sends nothing where %s', async (_, items, args, says) => {
  offers(...items);
  expect(await node('accept', 'triage', ...args)).toMatchObject({
    exitCode: EXIT.refused,
    err: expect.stringContaining(says) as string,
  });
  expect(commanded()).toEqual([]);
});

it('N2 a rejection and a deferral name the release that was read, and a waiver too', async () => {
  const inconclusive = { verdict: 'inconclusive', reason: 'tooFew', hasLeft: false };
  offers(offer({ question: 'waive', gate: inconclusive }));
  await node('reject', 'triage', '--reason', 'no');
  await node('defer', 'triage', '--until', '+2h');
  await node('accept', 'triage', '--inconclusive', '--reason', 'few cases');
  const { assignment } = offer();
  expect(commanded()).toMatchObject([
    { kind: 'reject', assignment },
    { kind: 'defer', assignment },
    { kind: 'acceptInconclusive', assignment, reason: 'few cases' },
  ]);
});
