import { digestOf, type ModelVariant } from '@openward/contracts';
import { aRelease } from '@openward/rollout/testing';
import { withDatabase } from '@openward/testkit';
import { expect, it } from 'vitest';
import { MIGRATED, openOn } from './testing-fixtures.ts';

const artifact = { manifest: digestOf('m'), file: digestOf('f'), size: 1, family: 'triage-nano' };
const variant: ModelVariant = { variant: 'f16', artifact, needs: { threads: 1, memoryBytes: 1 } };
const { variants: _, ...head } = aRelease(1).model;
const WHY = { by: 'ada', reason: 'superseded' };

it('a version is retired once, and takes neither a variant nor an adapter from then on (D7)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { models, audit } = opened.persistence;
  expect(await models.retire(head.name, head.version, WHY)).toEqual({ kind: 'unknown' });
  await models.register(head, variant, 'ada');
  expect(await models.mayBeUsed(head.name, head.version)).toBe(true);
  expect(await models.retire(head.name, head.version, WHY)).toMatchObject({ kind: 'retired' });
  expect(await models.retire(head.name, head.version, WHY)).toMatchObject({ kind: 'before' });
  expect(await models.mayBeUsed(head.name, head.version)).toBe(false);
  expect((await audit.list({ limit: 1 })).items[0]).toMatchObject({
    action: 'modelRetired',
    details: { reason: 'superseded' },
  });
  const isRetired = { kind: 'modelRetired', name: head.name, version: head.version };
  expect(await models.register(head, { ...variant, variant: 'q8_0' }, 'ada')).toEqual(isRetired);
  const base = { name: head.name, version: head.version };
  const adapter = { ...head, name: 'triage-nano-lora', kind: 'adapter' as const, base };
  expect(await models.register(adapter, { ...variant, base: artifact }, 'ada')).toEqual(isRetired);
  // Nothing is left of what was refused.
  expect(await models.find('triage-nano-lora', head.version)).toBeNull();
});

it('is not retired while whoever uses it has not committed, and not used while it is being retired', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  await one.models.register(head, variant, 'ada');
  const order: string[] = [];
  const using = one.transaction(async ({ models }) => {
    expect(await models.mayBeUsed(head.name, head.version)).toBe(true);
    const retiring = two.models.retire(head.name, head.version, WHY).then(({ kind }) => order.push(kind));
    // Long enough for the other to have gone first, if nothing held it.
    await one.network.ping();
    await two.network.ping();
    order.push('used');
    return { retiring };
  });
  await (
    await using
  ).retiring;
  expect(order).toEqual(['used', 'retired']);
});
