import { plainPolicy, type ReleaseView } from '@openward/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNetwork, type Client, type Network } from './network.fixture.ts';
import { catalogue, push, release } from './registry.fixture.ts';

// Making releases, again and again.

let network: Network;
let admin: Client;
beforeAll(async () => {
  network = await startNetwork();
  admin = network.admin;
  await catalogue(admin);
});
afterAll(() => network.close());

const make = (asked: object) => admin.post<ReleaseView>('/releases', asked);
const { change: _change, ...withoutClass } = release('1') as { change: string };

describe('a release', () => {
  it('that binds what is there already is that one, with 200 and whatever its Idempotency-Key', async () => {
    const first = await admin.get<ReleaseView>('/releases/triage/1');
    for (const asked of [release('1'), withoutClass]) {
      const again = await make(asked);
      expect(again).toMatchObject({ status: 200, body: { digest: first.body.digest } });
    }
    expect((await admin.get('/releases/triage/2')).status).toBe(404);
  });

  it('gets the class of its change computed where none is named, and is made once by many that ask at once', async () => {
    await push(admin, { file: 'triage-nano-2.f16.gguf', version: '2' });
    const asked = { ...withoutClass, model: { name: 'triage-nano', version: '2' } };
    const made = await Promise.all(Array.from({ length: 5 }, () => make(asked)));
    expect(made.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 201]);
    expect(new Set(made.map(({ body }) => body.release.number))).toEqual(new Set([2]));
    expect(made[0]?.body.release.change).toBe('base');
  });

  it('that was recalled is not given again: another is made', async () => {
    const asked = { ...withoutClass, model: { name: 'triage-nano', version: '2' } };
    await admin.post('/releases/triage/2/recall', { reason: 'harm' });
    expect(await make(asked)).toMatchObject({ status: 201, body: { release: { number: 3 } } });
  });

  it('whose system prompt cannot fit what its model reads is refused, with both numbers', async () => {
    const systemPrompt = 'Say how urgent it is. '.repeat(200);
    await admin.post('/policies', plainPolicy(systemPrompt, { id: 'long' }));
    const refused = await make({ ...withoutClass, policy: { id: 'long', revision: 1 } });
    expect(refused).toMatchObject({ status: 400, body: { code: 'badRequest' } });
    expect(JSON.stringify(refused.body)).toMatch(/long revision 1 is too long .*at least 1\d{3} tokens, .* reads 512/);
  });
});
