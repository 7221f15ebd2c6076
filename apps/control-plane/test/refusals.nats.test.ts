import { request as httpsRequest } from 'node:https';
import { digestOf, digestOfBytes, type Plan } from '@openward/contracts';
import { generateSigningKey } from '@openward/trust';
import { openPersistence } from '@openward/persistence';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeNode, sendEnrol } from './node.fixture.ts';
import { startLakeside, type Lakeside } from './lakeside.fixture.ts';
import type { Client, Network } from './network.fixture.ts';
import {
  describe as describeFile,
  modelFile,
  push,
  putPiece,
  registration,
  release,
  SERVICE,
  SUITE,
  upload,
} from './registry.fixture.ts';

// Bad input: a clear refusal with a code, and nothing changed.

let lakeside: Lakeside;
let network: Network;
let admin: Client;
beforeAll(async () => {
  lakeside = await startLakeside({ OPENWARD_BODY_TIMEOUT_MS: '700', OPENWARD_ARTIFACT_QUOTA_BYTES: '8000000' });
  ({ network, admin } = lakeside);
});
afterAll(() => lakeside[Symbol.asyncDispose]());

const json = { 'content-type': 'application/json' };
const refused = (status: number, code: string) => ({ status, body: { code } });
const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = json) =>
  admin.raw(`/api/v1${path}`, { method: 'POST', body, headers: { 'idempotency-key': 'k', ...headers } });

describe('a body', () => {
  it('that is no JSON, or does not say that it is', async () => {
    expect(await (await post('/sites', '{"name":')).json()).toMatchObject({ code: 'notJson' });
    expect(await (await post('/sites', Buffer.from([0x22, 0xff, 0x22]))).json()).toMatchObject({ code: 'notJson' });
    expect(await (await post('/sites', '{}', { 'content-type': 'text/plain' })).json()).toMatchObject({
      code: 'notJson',
    });
  });

  it('with text that no database holds, in a field, a name or the address', async () => {
    const service = JSON.stringify({ ...SERVICE, name: 'nul', purpose: 'PURPOSE' });
    for (const spelt of ['a\\u0000b', '\\ud800']) {
      const answer = await post('/services', service.replace('PURPOSE', spelt));
      expect({ status: answer.status, body: await answer.json() }).toMatchObject(refused(400, 'badRequest'));
    }
    expect(await (await post('/services', '{"a\\u0000":1}')).json()).toMatchObject({ code: 'badRequest' });
    expect(await admin.get('/models?after=%00')).toMatchObject(refused(400, 'badRequest'));
    expect(await admin.get('/services/nul')).toMatchObject(refused(404, 'notFound'));
  });

  it('with a field that nobody knows, or of another form: the refusal names it', async () => {
    const answer = await admin.post('/sites', { name: 'x', tier: 'referral', tear: 1 });
    expect(answer).toMatchObject(refused(400, 'badRequest'));
    expect(JSON.stringify(answer.body)).toContain('tear');
    const other = await admin.post('/sites', { name: 'Not A Name', tier: 'referral' });
    expect(JSON.stringify(other.body)).toContain('name: has lower-case letters');
    const id = await admin.get('/rollouts/nonsense');
    expect(JSON.stringify(id.body)).toMatch(/id: is a rollout as `openward rollouts list` names it, such as ro-/);
    const hash = await admin.post('/rollouts', { plan: { service: 'triage', release: 1 }, approvedHash: 'abc' });
    expect(JSON.stringify(hash.body)).toMatch(/approvedHash: is a whole digest: .* such as the hash/);
    expect(await admin.post('/sites', [])).toMatchObject(refused(400, 'badRequest'));
    expect(await admin.get('/nodes?limit=many')).toMatchObject(refused(400, 'badRequest'));
  });

  it('too large, told or not', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(300_000) });
    const told = await post('/sites', large);
    expect(told.status).toBe(413);
    expect(await told.json()).toMatchObject({ code: 'bodyTooLarge', details: { limit: 262_144 } });
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < 40; at += 1) controller.enqueue(Buffer.alloc(10_000, 0x20));
        controller.close();
      },
    });
    const init = { method: 'POST', body: stream, duplex: 'half' as const, headers: json };
    expect((await admin.raw('/api/v1/sites', init)).status).toBe(413);
  });

  it('that does not come', async () => {
    const { port } = new URL(admin.url);
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const call = httpsRequest(
        {
          host: '127.0.0.1',
          port,
          path: '/api/v1/sites',
          method: 'POST',
          rejectUnauthorized: false,
          headers: { ...json, 'content-length': '100' },
        },
        (response) => {
          let text = '';
          response.on('data', (part: Buffer) => (text += part.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      call.on('error', reject);
      call.write('{"na');
    });
    expect(answer.status).toBe(408);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'bodyTooSlow', details: { withinMs: 700 } });
  });
});

describe('a caller', () => {
  it('without a token, with a wrong one, or with the rights of another role', async () => {
    const url = admin.url;
    expect(await network.clientOf(url, null).get('/me')).toMatchObject(refused(401, 'unauthenticated'));
    expect(await network.clientOf(url, 'owa_nobody-knows-this-one').get('/me')).toMatchObject(
      refused(401, 'unauthenticated'),
    );
    const made = await admin.post<{ token: string }>('/access-tokens', { name: 'reader', role: 'auditor' });
    expect(made.status).toBe(201);
    const auditor = network.clientOf(url, made.body.token);
    expect(await auditor.get('/me')).toMatchObject({ status: 200, body: { role: 'auditor' } });
    expect(await auditor.get('/audit')).toMatchObject({ status: 200 });
    expect(await auditor.post('/sites', { name: 'y', tier: 'primary' })).toMatchObject(refused(403, 'forbidden'));
    expect((await admin.raw('/api/v1/access-tokens/reader', { method: 'DELETE' })).status).toBe(204);
    expect(await auditor.get('/me')).toMatchObject(refused(401, 'unauthenticated'));
  });

  it('is told nothing of what is not there', async () => {
    const nothing = await admin.get('/nothing');
    expect(nothing).toMatchObject(refused(404, 'notFound'));
    expect(JSON.stringify(nothing.body)).toContain('/api/v1/docs');
    expect(await admin.get('/sites/nowhere')).toMatchObject(refused(404, 'notFound'));
  });
});

describe('the same request again (R9)', () => {
  it('gives the first answer, also where it held a secret; with another body it is refused', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await admin.post<{ id: string; token: string }>('/sites/lakeside/tokens', {}, headers);
    const again = await admin.post<{ id: string; token: string }>('/sites/lakeside/tokens', {}, headers);
    expect(again.body).toEqual(first.body);
    expect(await admin.post('/sites/lakeside/tokens', { lifetimeMinutes: 5 }, headers)).toMatchObject(
      refused(422, 'idempotencyReused'),
    );
    const store = openPersistence({ url: network.databaseUrl });
    const rows = await sql<{
      text: string;
    }>`select row_to_json(t)::text as text from (select * from idempotency_keys) t`.execute(store.db);
    await store.close();
    const secret = JSON.parse(Buffer.from(first.body.token.slice(5), 'base64url').toString()) as { secret: string };
    expect(rows.rows.map((row) => row.text).join()).not.toContain(secret.secret);
  });

  it('needs a key', async () => {
    const answer = await admin.raw('/api/v1/sites', {
      method: 'POST',
      body: '{"name":"z","tier":"primary"}',
      headers: json,
    });
    expect(await answer.json()).toMatchObject({ code: 'idempotencyMissing' });
  });
});

describe('an enrolment', () => {
  const token = async (): Promise<string> =>
    (await admin.post<{ token: string }>('/sites/lakeside/tokens', {})).body.token;
  const code = async (options: Parameters<typeof sendEnrol>[1]): Promise<unknown> =>
    ((await (await sendEnrol(admin, options)).response.json()) as { code: string }).code;

  it('with a token that is expired or unknown, or under a name that is taken', async () => {
    const old = await token();
    const store = openPersistence({ url: network.databaseUrl });
    await store.db
      .updateTable('enrolment_tokens')
      .set({ expires_at: new Date(0) })
      .where('used_by', 'is', null)
      .execute();
    await store.close();
    expect(await code({ name: 'lakeside-9', token: old })).toBe('tokenExpired');
    const strange = (request: Record<string, unknown>) => ({ ...request, secret: 'x'.repeat(43) });
    expect(await code({ name: 'lakeside-9', token: await token(), change: strange })).toBe('tokenUnknown');
    expect(await code({ name: 'lakeside-1', token: await token() })).toBe('nodeExists');
  });

  it('whose seal is not of the identity in it, or that has a field too many', async () => {
    const forged = (request: Record<string, unknown>) => ({ ...request, identity: generateSigningKey().publicKey });
    expect(await code({ name: 'lakeside-9', token: await token(), change: forged })).toBe('signatureInvalid');
    expect(await code({ name: 'lakeside-9', token: await token(), change: (it) => ({ ...it, more: 1 }) })).toBe(
      'badRequest',
    );
    expect(await code({ name: 'lakeside-9', token: await token(), change: (it) => ({ ...it, node: 'a.b' }) })).toBe(
      'badRequest',
    );
    const frame = { method: 'POST', body: 'hello', headers: { 'content-type': 'application/octet-stream' } };
    expect(await (await admin.raw('/api/v1/enrol', frame)).json()).toMatchObject({ code: 'signatureInvalid' });
    expect(await (await admin.raw('/api/v1/renew', frame)).json()).toMatchObject({ code: 'signatureInvalid' });
  });
});

describe('a piece', () => {
  it('of another digest, or too large', async () => {
    const wrong = await putPiece(admin, `sha256:${'1'.repeat(64)}`, Buffer.from('hello'));
    expect(wrong.status).toBe(422);
    expect(await wrong.json()).toMatchObject({ code: 'digestMismatch' });
    const large = Buffer.alloc(600_000);
    expect((await putPiece(admin, digestOfBytes(large), large)).status).toBe(413);
    expect((await putPiece(admin, 'sha256:short', large)).status).toBe(400);
  });
});

describe('a model', () => {
  const path = '/models/triage-nano/versions/1/variants';

  it('of which a chunk is missing: the refusal lists it', async () => {
    const described = await describeFile(await modelFile('triage-nano-2.f16.gguf'));
    const { digest } = described.manifest;
    expect(await admin.post('/models/triage-nano/versions/2/variants', registration(described, 'f16'))).toMatchObject(
      refused(409, 'chunkMissing'),
    );
    for (const piece of [described.manifest, ...described.lists]) await putPiece(admin, piece.digest, piece.bytes);
    const answer = await admin.post<{ details: { missing: string[] } }>(
      '/models/triage-nano/versions/2/variants',
      registration(described, 'f16'),
    );
    expect(answer).toMatchObject(refused(409, 'chunkMissing'));
    expect(answer.body.details.missing.length).toBeGreaterThan(1);
    expect(answer.body.details.missing).not.toContain(digest);
    expect(await admin.get('/models/triage-nano/versions/2')).toMatchObject(refused(404, 'notFound'));
  });

  it('pushed again: the same bytes are the same version, other bytes are refused', async () => {
    expect(await push(admin, { file: 'triage-nano-1.f16.gguf', version: '1' })).toMatchObject({ status: 201 });
    const other = await push(admin, { file: 'triage-nano-3.f16.gguf', version: '1' });
    expect(other).toMatchObject({ status: 409, body: { code: 'versionExists', details: { differs: ['artifact'] } } });
  });

  it('that is no GGUF', async () => {
    const text = await describeFile(Buffer.from('not a model'), 'document');
    await upload(admin, text);
    expect(await admin.post(path, registration(text, 'odd'))).toMatchObject(refused(422, 'notGguf'));
  });

  it('that is cut short, under a manifest that says otherwise', async () => {
    const whole = await modelFile('triage-nano-1.q8_0.gguf');
    const cut = await describeFile(whole.subarray(0, 400_000), 'document');
    const manifest = Buffer.from(
      JSON.stringify(
        { ...cut.layout.manifest, kind: 'gguf' },
        Object.keys({ file: 0, kind: 0, lists: 0, size: 0, v: 0, bytes: 0, digest: 0 }).toSorted(),
      ),
    );
    await upload(admin, cut);
    await putPiece(admin, digestOfBytes(manifest), manifest);
    const body = { ...registration(cut, 'cut'), manifest: digestOfBytes(manifest) };
    expect(await admin.post(path, body)).toMatchObject(refused(422, 'ggufCutShort'));
  });

  it('that is an adapter: without a base, for another base, or with one that is not there', async () => {
    const adapter = { file: 'triage-nano-1-adapter-a.gguf', name: 'triage-adapter', version: '1', variant: 'f16' };
    const on = (name: string, version = '1') => ({ kind: 'adapter', base: { name, version } });
    expect(await push(admin, adapter)).toMatchObject(refused(422, 'baseMismatch'));
    expect(await push(admin, { ...adapter, change: on('triage-nano', '77') })).toMatchObject(
      refused(422, 'baseMismatch'),
    );
    expect(await push(admin, { ...adapter, file: 'triage-nano-1.f16.gguf', change: on('triage-nano') })).toMatchObject(
      refused(422, 'baseMismatch'),
    );
    expect(await push(admin, { ...adapter, change: { kind: 'adapter' } })).toMatchObject(refused(400, 'badRequest'));
    const fits = await push(admin, { ...adapter, change: on('triage-nano') });
    expect(fits).toMatchObject({
      status: 201,
      body: { family: 'triage-nano', kind: 'adapter', variants: [{ base: { family: 'triage-nano' } }] },
    });
  });

  it('beyond the quota', async () => {
    const { missing } = (
      await admin.post<{ missing: string[] }>('/chunks/missing', { digests: [`sha256:${'2'.repeat(64)}`] })
    ).body;
    expect(missing).toHaveLength(1);
    let status = 201;
    for (let at = 0; at < 20 && status === 201; at += 1) {
      const bytes = Buffer.alloc(500_000, at + 1);
      status = (await putPiece(admin, digestOfBytes(bytes), bytes)).status;
    }
    expect(status).toBe(507);
  });
});

describe('a suite, a service, a release', () => {
  it('made again otherwise, or of things that are not there', async () => {
    expect(await admin.post('/services', SERVICE)).toMatchObject(refused(409, 'conflict'));
    expect(await admin.post('/suites', { ...SUITE, minimumDistinctPersons: 12 })).toMatchObject(
      refused(409, 'versionExists'),
    );
    expect(await admin.post('/suites', { ...SUITE, version: 2, rerunItems: 3 })).toMatchObject(
      refused(400, 'badRequest'),
    );
    expect(await admin.post('/releases', release('99'))).toMatchObject(refused(404, 'notFound'));
  });
});

describe('a rollout', () => {
  const request = { service: 'triage', release: 1 };

  it('that selects no site, of a release that is not there, or that nobody has', async () => {
    const nobody = { ...request, select: { labels: { site: ['nowhere'] } } };
    expect(await admin.post('/rollouts/plan', nobody)).toMatchObject(refused(422, 'noSitesSelected'));
    expect(await admin.post('/rollouts/plan', { ...request, release: 9 })).toMatchObject(refused(404, 'notFound'));
    expect(await admin.get('/rollouts/ro-aaaaaaaaaaaa')).toMatchObject(refused(404, 'notFound'));
    expect(await admin.post('/rollouts/ro-aaaaaaaaaaaa/abort')).toMatchObject(refused(404, 'notFound'));
  });

  it('whose plan has gone stale: the difference is printed, and nothing starts (R1)', async () => {
    const planned = await admin.post<Plan>('/rollouts/plan', request);
    await admin.post('/sites', { name: 'hilltop', tier: 'district' });
    const other = await FakeNode.enrol(admin, 'hilltop', 'hilltop-1');
    await other.connect();
    await other.acked(await other.state());
    const stale = await admin.post<{ details: string[] }>('/rollouts', {
      plan: request,
      approvedHash: planned.body.hash,
    });
    expect(stale).toMatchObject(refused(409, 'planStale'));
    expect(stale.body.details.join('\n')).toContain('hilltop-1');
    const never = await admin.post('/rollouts', { plan: request, approvedHash: digestOf('never') });
    expect(never).toMatchObject(refused(409, 'planStale'));
    expect(await admin.get('/rollouts')).toMatchObject({ body: { items: [] } });
    await other.close();
  });

  it('that is live: a second one is refused with its id, and a command that does not fit too, with what to do instead (R5)', async () => {
    const planned = await admin.post<Plan>('/rollouts/plan', request);
    const start = { plan: request, approvedHash: planned.body.hash };
    const first = await admin.post<{ id: string }>('/rollouts', start);
    expect(first.status).toBe(201);
    const second = await admin.post<{ message: string }>('/rollouts', start);
    expect(second).toMatchObject(refused(409, 'rolloutLive'));
    expect(second.body.message).toContain(first.body.id);
    const { id } = first.body;
    expect(await admin.post(`/rollouts/${id}/resume`)).toMatchObject(refused(409, 'rolloutRefused'));
    expect(await admin.post(`/rollouts/${id}/waive`, { wave: 0, reason: 'x' })).toMatchObject(
      refused(409, 'waiverRefused'),
    );
    expect(await admin.post(`/rollouts/${id}/waive`, { wave: 0 })).toMatchObject(refused(400, 'badRequest'));
    expect(await admin.post(`/rollouts/${id}/pause`)).toMatchObject({ status: 200, body: { status: 'paused' } });
    expect(await admin.post(`/rollouts/${id}/abort`)).toMatchObject({ status: 200, body: { status: 'aborted' } });
    const node = planned.body.waves[0]?.nodes[0]?.node;
    const over = await admin.post<{ next: string }>(`/rollouts/${id}/retry`, { node });
    expect(over).toMatchObject(refused(409, 'rolloutRefused'));
    expect(over.body.next).toContain('plan anew (`openward rollouts plan`)');
  });
});
