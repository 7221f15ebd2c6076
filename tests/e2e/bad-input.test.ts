import { join } from 'node:path';
import {
  digestOfBytes,
  encodeEnrolmentToken,
  decodeEnrolmentToken,
  type Digest,
  type ErrorCode,
} from '@openward/contracts';
import type { PushArtifact } from '@openward/client';
import { DEMO, MODEL } from '@openward/demo/harness';
import { expect, it } from 'vitest';
import { buildGguf, modelKeys, smallModel, type GgufSpec } from '../../libs/distribution/src/gguf-builder.fixture.ts';
import { aNetwork, type Step, type World } from './fixture.ts';
import { hospital } from './steps/hospital.ts';
import { enrolWith } from './steps/enrol.ts';
import { call, countRows, inDatabase, uploadAsModel, type RestCall } from './steps/rest.ts';
import { planRequest, service } from './steps/service.ts';

// Bad input to a control plane that runs: each has its code, says what to do, and changes no row of any table.
//
// Elsewhere: a header's every byte (`libs/distribution`, the tests of gguf), an unknown and a used token and a broken seal
// (`apps/control-plane/test/line.nats.test.ts`), the gateway's bodies (`apps/edge-agent`, its gateway's test), a full disk
// (`libs/distribution`, the tests of transfers), a model that does not load (`hospital-decides.test.ts`).

const { given } = aNetwork({ env: { OPENWARD_BODY_TIMEOUT_MS: '500' } });
const triage = service('triage');
const north = hospital('north');
const south = hospital('south');

/** Claims that each call is refused with its code and a next step, and that no table has a row more or less for it. */
const isRefused =
  (code: ErrorCode, ...calls: readonly (RestCall | ((world: World) => Promise<RestCall>))[]): Step =>
  async (world) => {
    for (const one of calls) {
      const asked = typeof one === 'function' ? await one(world) : one;
      const before = await countRows(world);
      const answer = await call(world, asked);
      expect(answer, asked.path).toMatchObject({ code, body: { next: expect.stringMatching(/\S/) as string } });
      expect(await countRows(world), `${code} changed something`).toEqual(before);
    }
  };

const variant = (manifest: Digest, more: object = {}) => ({
  variant: 'f16',
  manifest,
  kind: 'base',
  template: MODEL.template,
  contextLength: 64,
  needs: { threads: 1, memoryBytes: 2 ** 20 },
  ...more,
});

/** Registers these bytes as a model, after every piece of them was uploaded. */
const registering =
  (file: Uint8Array, more: object = {}) =>
  async (world: World): Promise<RestCall> => ({
    path: '/models/broken/versions/1/variants',
    body: variant(await uploadAsModel(world, file), more),
  });

const small = (more: Partial<GgufSpec> = {}): Uint8Array => buildGguf({ ...smallModel(), ...more });
/** Uploads a sound file as the client does. */
const pushed = async ({ network }: World, file: PushArtifact['file']): Promise<Digest> =>
  (await network.api.pushArtifact({ file })).manifest;

/** A LoRA adapter on one tensor of a base whose width is another than the demo's. */
const adapterForAnother = (): Uint8Array =>
  buildGguf({
    keys: [
      ['general.architecture', { type: 'string', value: 'llama' }],
      ['general.type', { type: 'string', value: 'adapter' }],
      ['adapter.type', { type: 'string', value: 'lora' }],
      ['adapter.lora.alpha', { type: 'float32', value: 8 }],
    ],
    tensors: [
      { name: 'blk.0.attn_q.weight.lora_a', dims: [64, 4] },
      { name: 'blk.0.attn_q.weight.lora_b', dims: [4, 64] },
    ],
  });

const adapterTo =
  (more: object) =>
  async (world: World): Promise<RestCall> => {
    const bytes = adapterForAnother();
    const read = (offset: number, length: number) => Promise.resolve(bytes.subarray(offset, offset + length));
    return {
      path: '/models/letters/versions/1/variants',
      body: variant(await pushed(world, { size: bytes.length, read }), more),
    };
  };

it('a GGUF that is cut short, wherever it is cut, is no version (N9, D1)', () => {
  const whole = small();
  const cuts = Array.from({ length: 20 }, (_, index) => 9 + Math.floor(((whole.length - 10) * index) / 19));
  return given()
    .when()
    .then(isRefused('ggufCutShort', ...cuts.map((at) => registering(whole.subarray(0, at)))));
});

it('a text, an empty file and a hostile header are no version (N9)', () =>
  given()
    .when()
    .then(
      isRefused('notGguf', registering(Buffer.from('Patient reports slurred speech.\n'.repeat(20)))),
      isRefused(
        'ggufHostile',
        registering(small({ tensorCount: 2n ** 60n })),
        registering(small({ tensors: [{ name: 'output.weight', dims: [32, 5], type: 'F16', offset: 2n ** 62n }] })),
        registering(small({ keys: modelKeys([['tokenizer.ggml.eos_token_id', { type: 'uint32', value: 4000 }]]) })),
      ),
      // A manifest has no form in which a file could be empty; a piece that is empty makes up no file.
      isRefused('chunkMissing', {
        path: '/models/broken/versions/1/variants',
        body: variant(digestOfBytes(Buffer.alloc(0))),
      }),
    ));

it('bytes of another digest than was said are not stored (D1)', () => {
  const said = digestOfBytes('what was said');
  return given()
    .when()
    .then(
      isRefused('digestMismatch', { method: 'PUT', path: `/chunks/${said}`, body: Buffer.from('what came') }),
      async (world) => {
        const { body } = await call(world, { path: '/chunks/missing', body: { digests: [said] } });
        expect(body).toEqual({ missing: [said] });
      },
    );
});

it('a version that is there is not pushed again with other bytes, and an adapter goes on no base but its own', () =>
  given(triage.hasReleases([1]))
    .when()
    .then(
      isRefused('versionExists', async (world) => ({
        path: '/models/triage-nano/versions/1/variants',
        body: variant(await pushed(world, join(DEMO, 'models', 'triage-nano-2.f16.gguf')), {
          contextLength: MODEL.contextLength,
        }),
      })),
      isRefused(
        'baseMismatch',
        adapterTo({ kind: 'adapter', base: { name: 'triage-nano', version: '1' } }),
        adapterTo({ kind: 'adapter', base: { name: 'nobody', version: '1' } }),
        adapterTo({}),
      ),
    ));

it('a rollout that selects nobody, and a plan that is not the one approved, start nothing (R1)', () => {
  const asked = planRequest(triage.name, { release: 1, waves: [['north']] });
  const start = (approvedHash: string, plan: object): RestCall => ({ path: '/rollouts', body: { plan, approvedHash } });
  let hash = '';
  return given(north.opens({}))
    .when(async ({ network }) => (hash = (await network.api.rollouts.plan(asked)).hash))
    .then(
      isRefused('noSitesSelected', {
        path: '/rollouts/plan',
        body: { ...asked, select: { labels: { site: ['nowhere'] } } },
      }),
      isRefused('planStale', start(digestOfBytes('never planned'), asked), () =>
        Promise.resolve(start(hash, { ...asked, settings: { ...asked.settings, tolerated: 1 } })),
      ),
      // The selection is the same; who stands in it is not.
      async ({ network }) => {
        const everyone = { ...asked, select: { labels: {} }, waves: [{ by: 'rest' as const }] };
        ({ hash } = await network.api.rollouts.plan(everyone));
      },
      south.opens({}),
      isRefused('planStale', () =>
        Promise.resolve(start(hash, { ...asked, select: { labels: {} }, waves: [{ by: 'rest' }] })),
      ),
      isRefused('notFound', { path: '/rollouts/plan', body: { ...asked, release: 99 } }),
    );
});

it('an enrolment token that has expired, was used, or names another network enrols nobody (K2)', () => {
  let token = '';
  return given(async ({ network }) => {
    await network.api.sites.create({ name: 'west', tier: 'primary' });
    ({ token } = await network.api.sites.createToken('west'));
  })
    .when((world) =>
      inDatabase(world, "update enrolment_tokens set expires_at = now() - interval '1 second' where site = 'west'"),
    )
    .then(async (world) => {
      const before = await countRows(world);
      expect(await enrolWith(world, 'west-1', token)).toMatchObject({ code: 'tokenExpired' });
      const parts = decodeEnrolmentToken(token);
      if (parts === null) throw new Error('no token');
      const another = encodeEnrolmentToken({ ...parts, ca: digestOfBytes('another authority') });
      expect(await enrolWith(world, 'west-1', another)).toMatchObject({ code: 'signatureInvalid' });
      const used = await world.network.api.sites.createToken('west');
      expect(await enrolWith(world, 'west-1', used.token)).toBeNull();
      const after = await countRows(world);
      expect(await enrolWith(world, 'west-2', used.token)).toMatchObject({ code: 'tokenUsed' });
      expect(await countRows(world)).toEqual(after);
      expect(after['nodes']).toBe((before['nodes'] ?? 0) + 1);
    });
});

it('a body that is not JSON, too large, or slow is told so and makes nothing', () => {
  const path = '/sites';
  return given()
    .when()
    .then(
      isRefused(
        'notJson',
        { path, body: '{"name": "east", ' },
        { path, body: Buffer.from([0x7b, 0xff, 0x7d]), headers: { 'content-type': 'application/json' } },
        { path, body: 'name: east', headers: { 'content-type': 'text/yaml' } },
      ),
      isRefused(
        'badRequest',
        { path, body: { name: 'east', tier: 'huge' } },
        { path, body: '[]' },
        { path, body: { name: 'east', tier: 'primary', more: 1 } },
      ),
      isRefused('bodyTooLarge', {
        path,
        body: { name: 'east', tier: 'primary', labels: { note: 'x'.repeat(300_000) } },
      }),
      isRefused('bodyTooLarge', {
        method: 'PUT',
        path: `/chunks/${digestOfBytes('large')}`,
        body: Buffer.alloc(24 * 2 ** 20),
      }),
      isRefused('bodyTooSlow', { path, body: { name: 'east', tier: 'primary' }, stalls: true }),
      isRefused('unauthenticated', {
        path,
        body: { name: 'east', tier: 'primary' },
        headers: { authorization: 'Bearer no' },
      }),
    );
});
