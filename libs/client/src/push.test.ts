import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API, digestOfBytes } from '@openward/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type Client, type PushModel, type PushProgress } from './index.ts';
import { PORTS, startServer, type TestServer } from './server.fixture.ts';

const MODELS = join(import.meta.dirname, '../../../deploy/demo/models');
const FILE = join(MODELS, 'triage-nano-1.q8_0.gguf');
const ADAPTER = join(MODELS, 'triage-nano-1-adapter-a.gguf');
const MARK = { before: '', after: '' };
const PUSH: PushModel = {
  file: FILE,
  name: 'triage',
  version: '1',
  template: { bos: '', system: MARK, user: MARK, assistant: MARK, stop: [] },
  needs: { threads: 1, memoryBytes: 0 },
};

let server: TestServer;
let client: Client;
let store: Map<string, Buffer>;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openward-push-'));
  store = new Map();
  server = await startServer(({ method, path, body }) => {
    if (path === `${API}/chunks/missing`) {
      const { digests } = JSON.parse(body.toString()) as { digests: string[] };
      return { missing: digests.filter((digest) => !store.has(digest)) };
    }
    if (method === 'PUT') {
      const digest = path.slice(`${API}/chunks/`.length);
      expect(digestOfBytes(body)).toBe(digest);
      store.set(digest, body);
      return { stored: true };
    }
    const asked = JSON.parse(body.toString()) as Record<string, unknown>;
    const { variant, manifest, needs, baseVariant: _unused, ...head } = asked;
    const file = JSON.parse(store.get(manifest as string)?.toString() ?? '{}') as { file: string; size: number };
    const artifact = { manifest, file: file.file, size: file.size, family: 'triage' };
    return {
      name: 'triage',
      version: '1',
      family: 'triage',
      ...head,
      variants: [{ variant, artifact, needs }],
      createdAt: '2026-01-01T00:00:00Z',
    };
  });
  client = createClient({ url: server.url, token: 'a-token' }, PORTS);
});
afterEach(async () => {
  client.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

const puts = (): number => server.asked.filter(({ method }) => method === 'PUT').length;

describe('a push of a model', () => {
  it('uploads each piece once, and registers with what the file says of itself', async () => {
    const pushed = await client.pushModel(PUSH);
    expect(pushed.variant).toBe('q8_0');
    expect(pushed.model).toMatchObject({ kind: 'base', contextLength: 512 });
    expect(pushed.artifact.file).toBe(digestOfBytes(readFileSync(FILE)));
    expect(puts()).toBe(store.size);
  });

  it('sends nothing that the store has', async () => {
    await client.pushModel(PUSH);
    const before = puts();
    const again = await client.pushModel(PUSH);
    expect(again.artifact.uploadedBytes).toBe(0);
    expect(puts()).toBe(before);
  });

  it('sends what another version does not share, and no more', async () => {
    await client.pushModel({ ...PUSH, file: join(MODELS, 'triage-nano-1.f16.gguf') });
    store.delete([...store.keys()][3] ?? '');
    const { artifact } = await client.pushModel({ ...PUSH, file: join(MODELS, 'triage-nano-1.f16.gguf') });
    expect(artifact.uploadedBytes).toBeGreaterThan(0);
    expect(artifact.uploadedBytes).toBeLessThan(artifact.size / 2);
  });

  it('tells how far it is, forwards and to the end', async () => {
    const seen: PushProgress[] = [];
    await client.pushModel({ ...PUSH, onProgress: (progress) => void seen.push(progress) });
    for (const phase of ['reading', 'uploading'] as const) {
      const bytes = seen.filter((it) => it.phase === phase).map((it) => it.bytes);
      expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
      expect(bytes.at(-1)).toBe(seen.find((it) => it.phase === phase)?.of);
    }
  });

  const whole = readFileSync(FILE);
  const cuts = Array.from({ length: 20 }, (_, i) => Math.floor((whole.length * (i + 1)) / 21));
  it.each(cuts)('refuses a file that is cut at byte %i, and sends nothing', async (at) => {
    const file = join(folder, 'cut.gguf');
    writeFileSync(file, whole.subarray(0, at));
    await expect(client.pushModel({ ...PUSH, file })).rejects.toMatchObject({ code: 'ggufCutShort' });
    expect(server.asked).toEqual([]);
  });

  const hostile = (at: number, value: bigint): Buffer => {
    const bytes = Buffer.from(whole);
    bytes.writeBigUInt64LE(value, at);
    return bytes;
  };
  it.each([
    ['an empty file', Buffer.alloc(0), 'notGguf'],
    ['a text file', Buffer.from('# a model'), 'notGguf'],
    ['a hostile count of tensors', hostile(8, 2n ** 60n), 'ggufHostile'],
    ['a hostile count of keys', hostile(16, 2n ** 60n), 'ggufHostile'],
    ['a hostile length of a string', hostile(24, 2n ** 60n), 'ggufHostile'],
  ])('refuses %s, and sends nothing', async (_what, bytes, code) => {
    const file = join(folder, 'bad.gguf');
    writeFileSync(file, bytes);
    await expect(client.pushModel({ ...PUSH, file })).rejects.toMatchObject({ code });
    expect(server.asked).toEqual([]);
  });

  it('refuses an adapter without a base, and a whole model with one, before anything is sent', async () => {
    await expect(client.pushModel({ ...PUSH, file: ADAPTER })).rejects.toMatchObject({ code: 'baseMismatch' });
    const base = { name: 'triage', version: '1' };
    await expect(client.pushModel({ ...PUSH, base })).rejects.toMatchObject({ code: 'baseMismatch' });
    expect(server.asked).toEqual([]);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const pushing = client.pushModel({ ...PUSH, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(pushing).rejects.toThrow('abort');
    expect(puts()).toBe(0);
  });

  it('refuses a file that is not there in words', async () => {
    await expect(client.pushModel({ ...PUSH, file: join(folder, 'no') })).rejects.toThrow('there is no such file');
  });
});
