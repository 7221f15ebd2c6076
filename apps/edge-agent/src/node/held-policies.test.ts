import { plainPolicy, type Release } from '@openward/contracts';
import type { Held, NodeState } from '@openward/activation';
import { expect, test } from 'vitest';
import { heldPolicies } from './held-policies.ts';

const held = (number: number) => ({ key: `key-${number}`, release: `sha256:${number}`, number }) as Held;
const number = { name: 'emergencyNumber', description: 'd', default: '112', setBySite: true };

test('what the service of a held release names is the site’s to set, beside what its policy names', async () => {
  const record = { active: held(2), lastGood: held(1), anchor: null, attempt: null };
  const state = { durable: { services: { triage: record }, recalled: [] } } as unknown as NodeState;
  const { policies, unread } = await heldPolicies(state, ({ release }) => {
    if (release === held(1).release) return Promise.reject(new Error('the disk'));
    return Promise.resolve({ policy: plainPolicy(''), service: { variables: [number] } } as unknown as Release);
  });
  expect(policies).toMatchObject([{ service: 'triage', number: 2, ofService: [number], serves: true }]);
  expect(unread).toEqual([{ service: 'triage', number: 1 }]);
});
