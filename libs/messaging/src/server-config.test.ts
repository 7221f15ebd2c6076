import { decode } from '@nats-io/jwt';
import { expect, it } from 'vitest';
import { accountJwts, createAuthority } from './authority.ts';
import { renderServerConfig } from './server-config.ts';

const { authority } = await createAuthority();
const accounts = await accountJwts(authority, []);
const render = (version: string, more = {}): string =>
  renderServerConfig({ version, dir: '/srv/nats', authority, accounts, ...more });

it('syncs each write where the server can', () => {
  expect(render('2.10.0')).toContain('sync_interval: always');
  expect(render('2.9.10')).not.toContain('sync_interval');
  expect(render('2.15.2', { durability: 'best-effort' })).not.toContain('sync_interval');
});

it('asks for a client certificate when an authority for clients is given', () => {
  expect(render('2.15.2')).not.toContain('tls:');
  expect(render('2.15.2', { tls: { cert: 'c.pem', key: 'k.pem' } })).not.toContain('verify');
  expect(render('2.15.2', { tls: { cert: 'c.pem', key: 'k.pem', clientCa: 'ca.pem' } })).toContain('verify: true');
});

it('holds no private key (K1)', () => {
  expect(render('2.15.2')).not.toMatch(/\bS[OAU][A-Z2-7]{56}\b/);
});

it('begins with claims that lose against every push, however late it is written', () => {
  const preloaded = [...render('2.15.2').matchAll(/^ {2}A[A-Z2-7]{55}: (\S+)$/gm)].map(([, jwt]) => decode(jwt ?? ''));
  expect(preloaded.map(({ name, iat, iss }) => ({ name, iat, iss }))).toEqual(
    ['SYS', 'CORE', 'EDGE'].map((name) => ({ name, iat: 1, iss: authority.keys.operatorSigning.getPublicKey() })),
  );
});
