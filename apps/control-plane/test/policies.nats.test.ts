import { digestOf, MAX_POLICY_BYTES, plainPolicy, type PolicyView, type PromptPolicy } from '@openward/contracts';
import { openPersistence } from '@openward/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeNode } from './node.fixture.ts';
import { startNetwork, type Client, type Network } from './network.fixture.ts';
import { catalogue, push, release } from './registry.fixture.ts';

// Prompt policies from the push to the plan, over the real interface.

let network: Network;
let admin: Client;
beforeAll(async () => {
  network = await startNetwork();
  admin = network.admin;
  await catalogue(admin);
});
afterAll(() => network.close());

const refused = (status: number, code: string) => ({ status, body: { code } });

/** One rule, with its tests: a request that says `pattern`'s word is answered with a text. */
const guarded = (over: Partial<PromptPolicy> = {}): PromptPolicy => ({
  ...plainPolicy('Triage.', { id: 'guarded' }),
  rules: [
    {
      id: 'no-doses',
      description: 'Doses are for the pharmacist.',
      stage: 'input',
      match: { kind: 'regex', pattern: 'dose of', ignoreCase: true },
      action: { does: 'block', text: 'ask-pharmacist' },
      mode: 'enforce',
      timeLimitMs: 50,
    },
  ],
  texts: { 'ask-pharmacist': { en: 'Ask the pharmacist.' } },
  tests: [testOf('What dose of it?', 'Ask the pharmacist.'), testOf('Chest pain.', 'emergency')],
  ...over,
});
function testOf(content: string, text: string): PromptPolicy['tests'][number] {
  const isBlocked = text !== 'emergency';
  return {
    name: content,
    rule: 'no-doses',
    language: 'en',
    messages: [{ role: 'user', content }],
    reply: 'emergency',
    cuts: [],
    today: '2026-01-05',
    expect: {
      action: isBlocked ? 'block' : 'none',
      rules: isBlocked ? ['no-doses'] : [],
      text,
      asked: isBlocked ? null : content,
    },
  };
}
const withPattern = (pattern: string): PromptPolicy =>
  guarded({ rules: guarded().rules.map((rule) => ({ ...rule, match: { kind: 'regex', pattern, ignoreCase: true } })) });

describe('a policy that is pushed', () => {
  it('is kept under its digest and audited; pushed again it is the same, under a new key too', async () => {
    const made = await admin.post<PolicyView>('/policies', guarded());
    expect(made).toMatchObject({
      status: 201,
      body: { id: 'guarded', revision: 1, digest: digestOf(guarded()), rules: 1, tests: 2, languages: ['en'] },
    });
    expect((await admin.post<PolicyView>('/policies', guarded())).body).toEqual(made.body);
    expect(await admin.get('/policies/guarded/1')).toMatchObject({ body: { ...made.body, document: guarded() } });
    expect(await admin.get('/policies?id=guarded')).toMatchObject({ body: { items: [made.body], next: null } });
    const audit = await admin.get<{ items: unknown[] }>('/audit?subject=policy:guarded@1');
    expect(audit.body.items).toMatchObject([{ action: 'policyCreated', details: { digest: made.body.digest } }]);
  });

  it('is refused once it has expired, by the network’s own clock, and nothing of it is kept', async () => {
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    const policy = guarded({ id: 'short-lived', expires: at(-86_400_000) });
    expect(await admin.post('/policies', policy)).toMatchObject({
      status: 422,
      body: { code: 'policyInvalid', details: [{ where: 'expires' }] },
    });
    expect(await admin.get('/policies/short-lived/1')).toMatchObject(refused(404, 'notFound'));
    expect((await admin.post('/policies', { ...policy, expires: at(86_400_000) })).status).toBe(201);
  });

  it('never changes, and its revisions only grow', async () => {
    expect(await admin.post('/policies', guarded({ systemPrompt: 'Other.' }))).toMatchObject(
      refused(409, 'policyExists'),
    );
    expect((await admin.post('/policies', guarded({ revision: 3 }))).status).toBe(201);
    const older = await admin.post('/policies', guarded({ revision: 2 }));
    expect(older).toMatchObject({ status: 409, body: { code: 'policyExists', details: { newest: 3 } } });
    expect(await admin.get('/policies/guarded/2')).toMatchObject(refused(404, 'notFound'));
    expect(await admin.get('/policies/guarded/0')).toMatchObject(refused(400, 'badRequest'));
  });

  it('is shown beside another revision, texts and rules', async () => {
    const rules = guarded().rules.map((rule) => ({ ...rule, mode: 'shadow' as const }));
    // In shadow it blocks nothing, so the test that it blocks expects what the model says.
    const [positive, negative] = guarded().tests;
    const expected = { action: 'none' as const, rules: ['no-doses'], text: 'emergency', asked: 'What dose of it?' };
    const tests = [{ ...positive!, expect: expected }, negative!];
    const next = guarded({ revision: 4, systemPrompt: 'Triage it.', rules, tests });
    expect((await admin.post('/policies', next)).status).toBe(201);
    expect(await admin.get('/policies/guarded/1/diff/4')).toMatchObject({
      status: 200,
      body: {
        change: 'policyRule',
        texts: [
          {
            where: 'systemPrompt',
            lines: [
              { kind: 'removed', text: 'Triage.' },
              { kind: 'added', text: 'Triage it.' },
            ],
          },
        ],
        rules: [{ rule: 'no-doses', kind: 'changed', fields: [{ field: 'mode', from: '"enforce"', to: '"shadow"' }] }],
        tests: { added: 1, removed: 1 },
      },
    });
    expect(await admin.get('/policies/guarded/1/diff/2')).toMatchObject(refused(404, 'notFound'));
  });

  it('is refused to who may only read', async () => {
    const token = await admin.post<{ token: string }>('/access-tokens', { name: 'reader', role: 'auditor' });
    const auditor = network.clientOf(admin.url, token.body.token);
    expect(await auditor.post('/policies', guarded({ revision: 9 }))).toMatchObject(refused(403, 'forbidden'));
    expect(await auditor.get('/policies/guarded/1')).toMatchObject({ status: 200 });
  });
});

describe('a hostile policy is refused at the push, with its reason, and nothing of it is kept', () => {
  const many = (count: number): PromptPolicy =>
    guarded({ rules: Array.from({ length: count }, (_, at) => ({ ...guarded().rules[0]!, id: `r${at}` })) });
  const exploding = (): object => {
    let schema: object = { type: 'string' };
    for (let depth = 0; depth < 9; depth += 1) schema = { type: 'object', properties: { a: schema, b: schema } };
    return schema;
  };
  const selfReferring: Partial<PromptPolicy> = {
    systemPrompt: 'Call {{a}}.',
    variables: [{ name: 'a', description: 'refers to itself', default: '{{a}}{{a}}', setBySite: false }],
  };

  it.each<[string, unknown, string]>([
    ['an expression that would explode', withPattern('((dose of){1000}){1000}'), 'pattern'],
    ['an expression with a back-reference', withPattern('(dose) of \\1'), 'pattern'],
    ['an expression that matches everywhere', withPattern('(dose of)?'), 'patternMatchesEmpty'],
    ['more rules than anybody reads', many(501), 'tooManyRules'],
    ['more text than anybody reads', guarded({ systemPrompt: 'x'.repeat(MAX_POLICY_BYTES) }), 'tooLarge'],
    ['a template that refers to itself', guarded(selfReferring), 'templateSelfReference'],
    [
      'a schema that explodes',
      guarded({
        rules: [
          {
            ...guarded().rules[0]!,
            stage: 'output',
            match: { kind: 'schema', schema: exploding() as Record<string, unknown> },
          },
        ],
      }),
      'schemaTooLarge',
    ],
    ['a misspelt field', { ...guarded(), rulez: [] }, 'shape'],
    ['a rule without its negative test', guarded({ tests: guarded().tests.slice(0, 1) }), 'testMissing'],
    ['no policy at all', [1, 2, 3], 'shape'],
  ])('%s', async (_what, policy, code) => {
    const hostile = Array.isArray(policy) ? policy : { ...(policy as object), id: 'hostile' };
    const answer = await admin.post<{ details: { code: string; where: string; message: string }[] }>(
      '/policies',
      hostile,
    );
    expect(answer).toMatchObject(refused(422, 'policyInvalid'));
    expect(answer.body.details.map((it) => it.code).join()).toContain(code);
    for (const { message } of answer.body.details) expect(message.length).toBeGreaterThan(10);
    expect(await admin.get('/policies?id=hostile')).toMatchObject({ body: { items: [] } });
  });

  it('ten thousand rules, or ten million characters, before anything is judged', async () => {
    for (const policy of [many(10_000), guarded({ systemPrompt: 'x'.repeat(10_000_000) })]) {
      expect(await admin.post('/policies', policy)).toMatchObject(refused(413, 'bodyTooLarge'));
    }
  });

  it('brackets in brackets, however many', async () => {
    for (const depth of [60, 1000, 4000, 8000, 20_000, 100_000]) {
      const answer = await admin.raw('/api/v1/policies', {
        method: 'POST',
        body: `{"v":1,"texts":${'['.repeat(depth)}${']'.repeat(depth)}}`,
        headers: { 'content-type': 'application/json', 'idempotency-key': `depth ${depth}` },
      });
      expect([depth, answer.status < 500 ? 'refused' : answer.status]).toEqual([depth, 'refused']);
    }
  });

  it('one whose own test fails, and both texts are told', async () => {
    const failing = guarded({ id: 'failing', tests: [testOf('What dose of it?', 'Take two.'), guarded().tests[1]!] });
    const answer = await admin.post<{ details: unknown }>('/policies', failing);
    expect(answer).toMatchObject(refused(422, 'policyTestFailed'));
    expect(JSON.stringify(answer.body.details)).toContain('Take two.');
    expect(JSON.stringify(answer.body.details)).toContain('Ask the pharmacist.');
  });
});

describe('a release carries the policy that it names, whole', () => {
  const next = (over: object): object => ({ ...release('1'), ...over });
  const ref = (id: string, revision = 1) => ({ policy: { id, revision } });

  it('and none that is not there, or was written for another model or language', async () => {
    expect(await admin.post('/releases', next(ref('nothing')))).toMatchObject(refused(404, 'notFound'));
    expect(await admin.post('/releases', next({ policy: plainPolicy('inline') }))).toMatchObject(
      refused(400, 'badRequest'),
    );
    const others = { ...plainPolicy('p', { id: 'others' }), models: [{ name: 'triage-nano', versions: ['7'] }] };
    const french = plainPolicy('p', { id: 'french', languages: ['fr'] });
    for (const policy of [others, french]) expect((await admin.post('/policies', policy)).status).toBe(201);
    for (const [id, why] of [
      ['others', 'was not written for triage-nano version 1'],
      ['french', 'has no en'],
    ] as const) {
      const answer = await admin.post<{ message: string }>('/releases', next({ change: 'policyRule', ...ref(id) }));
      expect(answer).toMatchObject(refused(400, 'badRequest'));
      expect(answer.body.message).toContain(why);
    }
  });

  it('under the class of change that the difference has, and no other (N2)', async () => {
    const mismatch = (change: string) => ({ status: 422, body: { code: 'changeMismatch', details: { change } } });
    await admin.post('/policies', plainPolicy('Other words.', { id: 'plain', revision: 2 }));
    await push(admin, { file: 'triage-nano-2.f16.gguf', version: '2' });
    const text = ref('plain', 2);
    expect(await admin.post('/releases', next({ change: 'policyRule', ...text }))).toMatchObject(
      mismatch('policyText'),
    );
    expect(await admin.post('/releases', next({ change: 'policyText', ...ref('guarded') }))).toMatchObject(
      mismatch('policyRule'),
    );
    const both = { ...text, model: { name: 'triage-nano', version: '2' } };
    expect(await admin.post('/releases', next({ change: 'policyText', ...both }))).toMatchObject(mismatch('base'));
    const parameters = { temperature: 1, maxTokens: 4 };
    expect(await admin.post('/releases', next({ change: 'policyText', parameters, ...text }))).toMatchObject(
      mismatch('base'),
    );
    expect(await admin.post('/releases', next({ change: 'base' }))).toMatchObject(mismatch('newService'));

    const made = await admin.post<{ digest: string }>('/releases', next({ change: 'policyText', ...text }));
    expect(made).toMatchObject({
      status: 201,
      body: { release: { number: 2, policy: plainPolicy('Other words.', { revision: 2 }) } },
    });
  });

  it('against the newest that is not recalled: what a recalled one brought is a difference again (R4)', async () => {
    const both = next({ change: 'base', ...ref('guarded'), model: { name: 'triage-nano', version: '2' } });
    expect((await admin.post('/releases', both)).status).toBe(201);
    expect((await admin.post('/releases/triage/3/recall', { reason: 'harm' })).status).toBe(200);
    await admin.post('/policies', guarded({ revision: 5, systemPrompt: 'Corrected.' }));
    const corrected = { ...both, ...ref('guarded', 5), change: 'policyText' };
    expect(await admin.post('/releases', corrected)).toMatchObject({
      status: 422,
      body: { code: 'changeMismatch', details: { change: 'base', against: 2 } },
    });
  });
});

describe('a plan of a release whose policy has times', () => {
  it('is blocked before and after them, and warned of for the last thirty days, by the database’s clock (T1)', async () => {
    await admin.post('/sites', { name: 'lakeside', tier: 'referral' });
    const node = await FakeNode.enrol(admin, 'lakeside', 'lakeside-1');
    await node.connect();
    await node.acked(await node.state());
    const store = openPersistence({ url: network.databaseUrl });
    const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
    const planOf = async (revision: number, times: Partial<PromptPolicy>) => {
      const policy = { ...plainPolicy('timed', { id: 'timed', revision }), ...times };
      // As it was left by a push of before: one that has expired is not taken any more.
      await store.policies.create(policy, 'admin');
      const asked = { ...release('1'), change: 'policyRule', policy: { id: 'timed', revision } };
      const made = await admin.post<{ release: { number: number } }>('/releases', asked);
      expect(made.status).toBe(201);
      return admin.post('/rollouts/plan', { service: 'triage', release: made.body.release.number });
    };
    const blocked = { status: 422, body: { code: 'planBlocked' } };
    const early = await planOf(1, { notBefore: inDays(1) });
    expect(early).toMatchObject(blocked);
    expect(JSON.stringify(early.body)).toContain('policyNotYet');
    const late = await planOf(2, { expires: inDays(-1) });
    expect(late).toMatchObject(blocked);
    expect(JSON.stringify(late.body)).toContain('policyExpired');
    expect(await planOf(3, { expires: inDays(29) })).toMatchObject({
      status: 200,
      body: { warnings: [{ code: 'policyExpiresSoon' }] },
    });
    expect(await planOf(4, { expires: inDays(31) })).toMatchObject({ status: 200, body: { warnings: [] } });
    const newer = await planOf(5, { minProtocol: 2 });
    expect(newer).toMatchObject(blocked);
    expect(JSON.stringify(newer.body)).toContain('agentTooOld');
    await store.close();
    await node.close();
  });
});
