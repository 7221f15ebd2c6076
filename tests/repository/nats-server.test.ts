import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { compareVersions, downloadRelease, ensureNatsServer, natsServers } from '../../scripts/nats-server.mjs';
import { ROOT } from '../architecture/sources.ts';

const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;

let folder: string;
let mirror: Server;
let archive: Buffer;
let from: string;

/** A program that says of itself what a NATS server says. */
function writeFake(path: string, version: string): void {
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openward-nats-get-'));
  vi.stubEnv('OPENWARD_CACHE', join(folder, 'cache'));
  vi.stubEnv('OPENWARD_NATS_SERVERS', '');
  const inside = join(folder, 'nats-server-v9.9.9');
  mkdirSync(inside);
  writeFake(join(inside, 'nats-server'), '9.9.9');
  execFileSync('tar', ['-czf', 'release.tar.gz', 'nats-server-v9.9.9'], { cwd: folder });
  archive = readFileSync(join(folder, 'release.tar.gz'));
  mirror = createServer((request, response) => {
    const known = request.url === `/v9.9.9/nats-server-v9.9.9-${platform}.tar.gz`;
    response.writeHead(known ? 200 : 404).end(known ? archive : '');
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  from = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
});

afterEach(() => {
  vi.unstubAllEnvs();
  mirror.close();
  rmSync(folder, { recursive: true, force: true });
});

const pinnedTo = (bytes: Buffer) => ({
  version: '9.9.9',
  sha256: { [platform]: createHash('sha256').update(bytes).digest('hex') },
});

describe.skipIf(process.platform === 'win32')('the download of a NATS server', () => {
  it('is kept when its bytes are the pinned ones', async () => {
    const server = await downloadRelease(pinnedTo(archive), from);
    expect(server).toEqual({ path: join(folder, 'cache/nats-server/9.9.9/nats-server'), version: '9.9.9' });
    expect(natsServers()).toContainEqual(server);
  });

  it('is refused when a byte differs, and nothing of it is kept', async () => {
    await expect(downloadRelease(pinnedTo(Buffer.from('another')), from)).rejects.toThrow(/refused: .* pinned is/);
    expect(existsSync(join(folder, 'cache'))).toBe(false);
  });

  it('does not begin for a platform without a checksum', async () => {
    await expect(downloadRelease({ version: '9.9.9', sha256: {} }, from)).rejects.toThrow(/no checksum is pinned/);
  });

  it('is refused when the program says another version', async () => {
    writeFake(join(folder, 'nats-server-v9.9.9/nats-server'), '9.9.8');
    execFileSync('tar', ['-czf', 'release.tar.gz', 'nats-server-v9.9.9'], { cwd: folder });
    archive = readFileSync(join(folder, 'release.tar.gz'));
    await expect(downloadRelease(pinnedTo(archive), from)).rejects.toThrow('it says that it is 9.9.8, not 9.9.9');
    expect(readdirSync(join(folder, 'cache/nats-server'))).toEqual([]);
  });
});

describe.skipIf(process.platform === 'win32')('the search for a NATS server', () => {
  it('takes the newest that is new enough, and each version once', () => {
    for (const version of ['2.9.9', '2.9.10', '2.10.2', '2.10.27']) {
      mkdirSync(join(folder, version));
      writeFake(join(folder, version, 'nats-server'), version);
    }
    vi.stubEnv('PATH', [join(folder, '2.9.9'), join(folder, '2.10.2'), '/usr/bin', '/bin'].join(':'));
    const listed = ['2.9.10', '2.10.27', '2.10.2'].map((version) => join(folder, version, 'nats-server'));
    vi.stubEnv('OPENWARD_NATS_SERVERS', listed.join(':'));
    const versions = natsServers().map(({ version }) => version);
    expect(versions.filter((version) => /^2\.(9|10)\./.test(version))).toEqual(['2.10.27', '2.10.2', '2.9.10']);
    expect(versions).not.toContain('2.9.9');
  });

  it('ends in one message that says what to install', async () => {
    vi.stubEnv('PATH', join(folder, 'nowhere'));
    vi.stubEnv('OPENWARD_NATS_MIRROR', 'http://127.0.0.1:1');
    const found = natsServers();
    const got = ensureNatsServer();
    if (found.length > 0) await expect(got).resolves.toEqual(found[0]);
    else await expect(got).rejects.toThrow(/No NATS server could be had\. Install nats-server 2\.9\.10 or newer/);
  });
});

it('orders versions by number', () => {
  expect(['2.9.10', '2.10.2', '2.9.9', '2.15.0-RC.1'].sort(compareVersions)).toEqual([
    '2.9.9',
    '2.9.10',
    '2.10.2',
    '2.15.0-RC.1',
  ]);
});

it('pins a download and a build of NATS that a public listener takes', () => {
  const pins = JSON.parse(readFileSync(join(ROOT, 'deploy/nats/server.json'), 'utf8')) as {
    build: string;
    download: { version: string; sha256: Record<string, string> };
  };
  for (const version of [pins.build, pins.download.version])
    expect(compareVersions(version, '2.14.3')).toBeGreaterThanOrEqual(0);
  for (const sum of Object.values(pins.download.sha256)) expect(sum).toMatch(/^[0-9a-f]{64}$/);
});
