import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

const LEAST = {
  OPENWARD_DATABASE_URL: 'postgres://db/openward',
  OPENWARD_NATS_URLS: 'nats://127.0.0.1:4222',
  OPENWARD_AUTHORITY_DIR: '/keys/authority',
  OPENWARD_SIGNING_KEYS: '/keys/signing',
  OPENWARD_ARTIFACT_DIR: '/artifacts',
};
const dir = mkdtempSync(join(tmpdir(), 'openward-config-'));
const file = (name: string): string => {
  writeFileSync(join(dir, name), name);
  return join(dir, name);
};

it('needs five settings, and listens on loopback where nothing else is said', () => {
  const config = readConfig(LEAST);
  expect(config.http).toMatchObject({ host: '127.0.0.1', port: 0, tls: null, publicUrl: null });
  expect(config.nats).toMatchObject({
    listener: 'loopback',
    advertisedUrls: ['nats://127.0.0.1:4222'],
    durability: 'always',
  });
  expect(config.engine.coalesceMs).toBe(100);
});

it('names every setting that is missing or wrong, in one message', () => {
  const wrong = {
    ...LEAST,
    OPENWARD_DATABASE_URL: undefined,
    OPENWARD_COALESCE_MS: 'soon',
    OPENWARD_LISTEN: 'everywhere',
  };
  expect(() => readConfig(wrong)).toThrow(ConfigError);
  expect(() => readConfig(wrong)).toThrow(
    /OPENWARD_LISTEN must be host:port.*OPENWARD_DATABASE_URL is not set.*OPENWARD_COALESCE_MS/,
  );
});

it('does not listen where others reach it without TLS, unless a proxy in front speaks it', () => {
  const outside = { ...LEAST, OPENWARD_LISTEN: '0.0.0.0:8443' };
  expect(() => readConfig(outside)).toThrow(/others reach/);
  expect(readConfig({ ...outside, OPENWARD_BEHIND_PROXY: 'true' }).http.behindProxy).toBe(true);
  const tls = { OPENWARD_TLS_CERT: file('cert'), OPENWARD_TLS_KEY: file('key') };
  expect(() => readConfig({ ...outside, ...tls })).toThrow(/OPENWARD_TLS_CA/);
  const { http } = readConfig({ ...outside, ...tls, OPENWARD_TLS_CA: file('ca') });
  expect(http).toMatchObject({ ca: 'ca', tls: { cert: 'cert\nca', key: 'key' } });
});

it('says which file cannot be read, and which half of a pair is missing', () => {
  expect(() => readConfig({ ...LEAST, OPENWARD_NATS_CA: join(dir, 'none') })).toThrow(
    /OPENWARD_NATS_CA: .*none cannot be read \(ENOENT\)/,
  );
  expect(() => readConfig({ ...LEAST, OPENWARD_TLS_CERT: file('cert') })).toThrow(/OPENWARD_TLS_KEY is not/);
});

it('takes the NATS listener for what its addresses say', () => {
  const listener = (urls: string): string =>
    readConfig({ ...LEAST, OPENWARD_NATS_ADVERTISED_URLS: urls }).nats.listener;
  expect(listener('tls://nats.example.org:4222')).toBe('public');
  expect(listener('nats://10.1.2.3:4222,nats://nats:4222')).toBe('private');
  expect(listener('nats://localhost:4222')).toBe('loopback');
});
