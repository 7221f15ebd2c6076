import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from '@nats-io/jwt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAuthority, saveAuthority, saveOperatorRoot } from './authority-files.ts';
import { accountJwts, createAuthority, generateUserKey, mintNodeCredentials, seedOf } from './authority.ts';

const { authority, root } = await createAuthority();
const node = {
  site: 's1',
  node: 'n1',
  families: ['family-a', 'family-b'],
  controlKey: generateUserKey().publicKey,
  bulkKey: generateUserKey().publicKey,
  expiresAt: '2030-01-01T00:00:00Z',
};

describe('a node’s credentials', () => {
  it.each(['*', '>', 'a.b', 'a b', 'S1', '', 'a'.repeat(40), 'site:*', '{{name()}}'])(
    'are refused for the name %j, which could widen their rights (K1)',
    async (name) => {
      await expect(mintNodeCredentials(authority, { ...node, site: name })).rejects.toThrow(/pattern/);
      await expect(mintNodeCredentials(authority, { ...node, node: name })).rejects.toThrow(/pattern/);
      await expect(mintNodeCredentials(authority, { ...node, families: [name] })).rejects.toThrow(/pattern/);
    },
  );

  it('are refused for what is no public key of a user', async () => {
    const { seed } = generateUserKey();
    await expect(mintNodeCredentials(authority, { ...node, controlKey: seed })).rejects.toThrow(/pattern/);
    await expect(mintNodeCredentials(authority, { ...node, bulkKey: authority.accounts.edge })).rejects.toThrow(
      /pattern/,
    );
  });

  it('carry names and no rights, which stand in their role alone', async () => {
    const { control, bulk } = await mintNodeCredentials(authority, node);
    const claims = decode<Record<string, unknown>>(control);
    expect(claims).toMatchObject({ name: 'n1', sub: node.controlKey, exp: Date.UTC(2030, 0, 1) / 1000 });
    expect(claims.nats).not.toHaveProperty('pub');
    expect(decode<{ tags: string[] }>(bulk).nats.tags).toEqual(['site:s1', 'family:family-a', 'family:family-b']);
    expect(control.length).toBeLessThan(1_000);
  });
});

it('puts every revocation into the claims of EDGE', async () => {
  const { edge, core } = await accountJwts(authority, [{ userKey: node.controlKey, at: 7 }]);
  expect(decode<{ revocations: unknown }>(edge).nats.revocations).toEqual({ [node.controlKey]: 7 });
  expect(decode<{ revocations?: unknown }>(core).nats.revocations).toBeUndefined();
});

describe('the network’s keys in files', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'openward-authority-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('come back as they were', async () => {
    await saveAuthority(authority, join(dir, 'keys'));
    const loaded = await loadAuthority(join(dir, 'keys'));
    expect(loaded.accounts).toEqual(authority.accounts);
    for (const name of ['operatorSigning', 'sysSigning', 'coreSigning', 'edgeControl', 'edgeBulk'] as const)
      expect(seedOf(loaded.keys[name])).toBe(seedOf(authority.keys[name]));
  });

  it('are for their owner only, and are never written over', async () => {
    await saveAuthority(authority, join(dir, 'keys'));
    for (const file of await readdir(join(dir, 'keys')))
      expect((await stat(join(dir, 'keys', file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'keys'))).mode & 0o777).toBe(0o700);
    await expect(saveAuthority(authority, join(dir, 'keys'))).rejects.toThrow('EEXIST');
  });

  it('do not hold the operator’s root, which is kept apart (K1)', async () => {
    await saveAuthority(authority, join(dir, 'keys'));
    await saveOperatorRoot(root, join(dir, 'offline'));
    const rootSeeds = Object.values(root);
    for (const file of await readdir(join(dir, 'keys')))
      expect(rootSeeds).not.toContain((await readFile(join(dir, 'keys', file), 'utf8')).trim());
  });

  it('of two networks do not mix', async () => {
    const { authority: other } = await createAuthority();
    await saveAuthority(
      { ...authority, keys: { ...authority.keys, operatorSigning: other.keys.operatorSigning } },
      join(dir, 'keys'),
    );
    await expect(loadAuthority(join(dir, 'keys'))).rejects.toThrow('operator-signing.nk is not a key of the operator');
  });
});
