import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import { freePort, natsServers, RANDOM, startNats, startNatsNetwork, until } from '@openward/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountJwts, createAuthority, generateUserKey } from './authority.ts';
import { connectControlPlane } from './connect-control-plane.ts';
import { connectNode } from './connect-node.ts';
import type { LinkEvent } from './link-events.ts';
import { serveCalls } from './nest/serving.fixture.ts';
import { request } from './rpc.ts';
import { renderServerConfig } from './server-config.ts';

// Node declares its keys a little wider than the library's own types.
const crypto = webcrypto as unknown as Crypto;
cryptoProvider.set(crypto);
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

interface Pem {
  readonly cert: string;
  readonly key: string;
}

async function certify(
  name: string,
  by?: { keys: CryptoKeyPair; name: string },
  ip = '127.0.0.1',
): Promise<Pem & { keys: CryptoKeyPair }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const dates = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) };
  const issuer = by ?? { keys, name };
  const certificate = await X509CertificateGenerator.create({
    ...dates,
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    subject: `CN=${name}`,
    issuer: `CN=${issuer.name}`,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: by
      ? [new SubjectAlternativeNameExtension([{ type: 'ip', value: ip }])]
      : [new BasicConstraintsExtension(true, 0, true)],
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64').replaceAll(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`;
  return { cert: `${certificate.toString('pem')}\n`, key, keys };
}

describe.each(natsServers())('TLS on server $version', ({ path, version }) => {
  let dir: string;
  let authority: Pem & { keys: CryptoKeyPair };
  let ca: string;
  let foreignCa: string;
  let client: Pem;
  let foreignClient: Pem;
  let files: { cert: string; key: string; ca: string; caFile: string };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'openward-tls-'));
    authority = await certify('the network');
    const foreign = await certify('the network');
    const server = await certify('server', { keys: authority.keys, name: 'the network' });
    client = await certify('n1', { keys: authority.keys, name: 'the network' });
    foreignClient = await certify('n1', { keys: foreign.keys, name: 'the network' });
    [ca, foreignCa] = [authority.cert, foreign.cert];
    files = { cert: join(dir, 'server.pem'), key: join(dir, 'server.key'), ca, caFile: join(dir, 'ca.pem') };
    await writeFile(files.cert, server.cert);
    await writeFile(files.key, server.key, { mode: 0o600 });
    await writeFile(files.caFile, ca);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('carries links of nodes that trust the authority, and their renewals', async () => {
    const network = await startNatsNetwork({ bin: path, version, tls: files });
    const served = await serveCalls(network.rpc, async (call) => call);
    const node = await network.enrol({ site: 's1', node: 'n1' });
    const sent: string[] = [];
    const link = await node.connect('control', {
      onSent: (one) => void sent.push('template' in one ? one.template : Object.keys(one).join()),
    });
    await link.renew();
    expect(Buffer.from((await request(link, 'hello', Buffer.from('x'))).frame).toString()).toBe('x');
    expect(sent).not.toContain('unknown');
    await served.stop();
    await network.close();
  });

  it('refuses a server of another authority with the same name', async () => {
    const network = await startNatsNetwork({ bin: path, version, tls: files });
    const node = await network.enrol({ site: 's1', node: 'n1' });
    const ending = new AbortController();
    const events: LinkEvent[] = [];
    const sent: unknown[] = [];
    const connecting = node.connect('control', {
      ca: foreignCa,
      signal: ending.signal,
      onEvent: (event) => void events.push(event),
      onSent: (one) => void sent.push(one),
    });
    await until(() => events.length > 1, { within: 5_000, what: 'two attempts' });
    ending.abort(new Error('told to stop'));
    await expect(connecting).rejects.toThrow('told to stop');
    expect(events.map(({ type }) => type)).not.toContain('connected');
    expect(sent).toEqual([]);
    await network.close();
  });

  it('refuses a server whose certificate is for another address', async () => {
    const elsewhere = await certify('server', { keys: authority.keys, name: 'the network' }, '127.0.0.2');
    const other = { cert: join(dir, 'other.pem'), key: join(dir, 'other.key') };
    await writeFile(other.cert, elsewhere.cert);
    await writeFile(other.key, elsewhere.key, { mode: 0o600 });
    const { authority: keys } = await createAuthority();
    const folder = join(dir, `elsewhere-${version}`);
    const accounts = await accountJwts(keys, []);
    const config = renderServerConfig({ version, dir: folder, authority: keys, accounts, tls: other });
    const server = await startNats({ config, dir: folder, name: 'elsewhere', bin: path });
    const ending = new AbortController();
    const errors: string[] = [];
    const connecting = connectControlPlane({
      authority: keys,
      role: 'sys',
      name: 'test',
      urls: [server.url],
      ca,
      random: RANDOM,
      signal: ending.signal,
      onEvent: (event) => void errors.push('error' in event ? String(event.error?.message) : event.type),
    });
    await until(() => errors.length > 0, { within: 15_000, what: 'an attempt' });
    ending.abort(new Error('told to stop'));
    await expect(connecting).rejects.toThrow('told to stop');
    expect(errors[0]).toContain("does not match certificate's altnames");
    await server.stop();
  });

  it('stops a client without a certificate of the authority before it says anything, where one is asked for', async () => {
    const { authority: keys } = await createAuthority();
    const config = renderServerConfig({
      version,
      dir: join(dir, `mutual-${version}`),
      authority: keys,
      accounts: await accountJwts(keys, []),
      tls: { cert: files.cert, key: files.key, clientCa: files.caFile },
    });
    const server = await startNats({ config, dir: join(dir, `mutual-${version}`), name: 'mutual', bin: path });
    const options = {
      authority: keys,
      role: 'sys',
      name: 'test',
      urls: [server.url],
      ca,
      random: RANDOM,
      settings: { reconnectWaitMs: 50, timeoutMs: 1_000 },
    } as const;
    const link = await connectControlPlane({ ...options, clientCert: client });
    await link.close();
    for (const clientCert of [undefined, foreignClient]) {
      const ending = new AbortController();
      const events: string[] = [];
      const connecting = connectControlPlane({
        ...options,
        ...(clientCert ? { clientCert } : {}),
        signal: ending.signal,
        onEvent: (event) => void events.push(event.type),
      });
      await until(() => events.length > 0, { within: 15_000, what: 'an attempt' });
      ending.abort(new Error('told to stop'));
      await expect(connecting).rejects.toThrow('told to stop');
      expect(events).not.toContain('connected');
    }
    await server.stop();
  });
});

describe('a node that was told an authority', () => {
  let impostor: Server;
  const heard: Buffer[] = [];
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    impostor = createServer((socket) => {
      socket.on('data', (bytes) => heard.push(bytes));
      socket.on('error', () => {});
      socket.write(
        `INFO ${JSON.stringify({ server_id: 'x', version: '2.15.2', proto: 1, headers: true, nonce: 'x', max_payload: 1 })}\r\n`,
      );
    });
    await new Promise<void>((resolve) => impostor.listen(port, '127.0.0.1', resolve));
  });
  afterAll(() => void impostor.close());

  it('says nothing to a server that offers no TLS', async () => {
    const ending = new AbortController();
    const events: LinkEvent[] = [];
    const connecting = connectNode({
      site: 's1',
      node: 'n1',
      kind: 'control',
      urls: [`nats://127.0.0.1:${port}`],
      ca: (await certify('the network')).cert,
      credentials: () => ({ jwt: 'secret', seed: generateUserKey().seed }),
      settings: { reconnectWaitMs: 20, jitterMs: 0 },
      random: RANDOM,
      signal: ending.signal,
      onEvent: (event) => void events.push(event),
    });
    await until(() => events.length > 1, { within: 5_000, what: 'two attempts' });
    ending.abort(new Error('told to stop'));
    await expect(connecting).rejects.toThrow('told to stop');
    expect(Buffer.concat(heard).toString()).toBe('');
  });
});
