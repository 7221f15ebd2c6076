import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, plainPolicy, type PolicyView, type PromptPolicy } from '@openward/contracts';
import { starterPolicy } from '@openward/policy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { run } from '../terminal.fixture.ts';
import { readPolicyDir, writePolicyDir } from './policy-folder.ts';

let folder: string;
let stop: () => Promise<void> = () => Promise.resolve();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openward-policies-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await stop();
});

const NOWHERE = { OPENWARD_URL: 'http://127.0.0.1:9', OPENWARD_TOKEN: 'a-token' };
const POLICY: PromptPolicy = {
  ...plainPolicy('Triage.', { id: 'triage', revision: 3 }),
  description: 'Two\u001b[2J words.',
};
const VIEW: PolicyView = {
  id: 'triage',
  revision: 3,
  digest: digestOf(POLICY),
  description: POLICY.description,
  languages: ['en'],
  rules: 0,
  tests: 0,
  notBefore: null,
  expires: null,
  createdAt: '2026-01-05T08:00:00.000Z',
  createdBy: 'ada',
};

/** A control plane that holds one policy; `asked` is what it was sent. */
async function controlPlane(held = POLICY, digest = digestOf(held)) {
  const asked: { readonly path: string; readonly body: unknown }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = request.url ?? '';
      const text = Buffer.concat(parts).toString();
      asked.push({ path: `${request.method} ${path}`, body: text === '' ? null : (JSON.parse(text) as unknown) });
      response.setHeader('connection', 'close');
      const isList = request.method === 'GET' && path.startsWith('/api/v1/policies?');
      const found = path.includes('id=unknown') ? [] : [VIEW];
      if (isList) response.end(JSON.stringify({ items: found, next: null }));
      else response.end(JSON.stringify(request.method === 'POST' ? VIEW : { ...VIEW, digest, document: held }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop = () => new Promise((resolve) => server.close(() => resolve()));
  const { port } = server.address() as AddressInfo;
  return { asked, env: { OPENWARD_URL: `http://127.0.0.1:${port}`, OPENWARD_TOKEN: 'a-token' } };
}

it('pushes a folder as the document that it is', async () => {
  await writePolicyDir(folder, POLICY);
  const { asked, env } = await controlPlane();
  const pushed = await run(['policy', 'push', folder, '--json'], env);
  expect(pushed).toMatchObject({ exitCode: EXIT.ok });
  expect(JSON.parse(pushed.out)).toEqual(VIEW);
  expect(asked).toEqual([{ path: 'POST /api/v1/policies', body: POLICY }]);
});

it('refuses a policy that could harm before it asks for an address, and says where', async () => {
  await writePolicyDir(folder, { ...POLICY, systemPrompt: 'Call {{nobody}}.' });
  const refused = await run(['policy', 'push', folder], {});
  expect(refused).toMatchObject({ exitCode: EXIT.refused, out: '' });
  expect(refused.err).toContain('nobody');
  expect(refused.err).toContain('next: ');
});

it('refuses a policy that has expired before it asks for an address', async () => {
  await writePolicyDir(folder, { ...POLICY, expires: '2020-01-31T00:00:00Z' });
  const refused = await run(['policy', 'push', folder], {});
  expect(refused).toMatchObject({ exitCode: EXIT.refused, out: '' });
  expect(refused.err).toContain('triage 3 HAS EXPIRED (2020-01-31T00:00:00Z)');
});

describe('policy pull', () => {
  const starter = { ...starterPolicy(), revision: 3 };

  it('writes a registered policy back as a folder that passes its test, with the same digest', async () => {
    const { asked, env } = await controlPlane(starter);
    const into = join(folder, 'new');
    const pulled = await run(['policy', 'pull', 'triage@3', into], env);
    expect(pulled).toMatchObject({ exitCode: EXIT.ok });
    expect(pulled.err).toContain(digestOf(starter));
    expect(asked.map((it) => it.path)).toEqual(['GET /api/v1/policies/triage/3']);
    expect(await run(['policy', 'test', into])).toMatchObject({ exitCode: EXIT.ok });
    const read = await readPolicyDir(into);
    expect(digestOf(read.kind === 'ok' ? read.document : null)).toBe(digestOf(starter));
  });

  it('takes the newest where no revision is given', async () => {
    const { asked, env } = await controlPlane(starter);
    await run(['policy', 'pull', 'triage', join(folder, 'new')], env);
    expect(asked.map((it) => it.path)).toEqual([
      'GET /api/v1/policies?id=triage&limit=1',
      'GET /api/v1/policies/triage/3',
    ]);
  });

  it('writes nothing that is not what was registered, and nothing over what is there', async () => {
    const { env } = await controlPlane(starter, `sha256:${'0'.repeat(64)}`);
    const into = join(folder, 'new');
    expect((await run(['policy', 'pull', 'triage@3', into], env)).exitCode).toBe(EXIT.refused);
    expect(existsSync(into)).toBe(false);
    await stop();
    const { env: right } = await controlPlane(starter);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    expect((await run(['policy', 'pull', 'triage@3', folder], right)).exitCode).toBe(EXIT.usage);
    expect(readdirSync(folder)).toEqual(['notes.txt']);
  });
});

it('refuses a folder with a file that no policy has', async () => {
  await writePolicyDir(folder, POLICY);
  writeFileSync(join(folder, 'rulez.yaml'), '[]');
  const refused = await run(['policy', 'push', folder], NOWHERE);
  expect(refused).toMatchObject({ exitCode: EXIT.refused });
  expect(refused.err).toContain('rulez.yaml');
});

it('shows what a hospital reads: of a folder without a network, of an id the newest', async () => {
  await writePolicyDir(folder, POLICY);
  const ofFolder = await run(['policy', 'show', folder], {});
  expect(ofFolder.exitCode).toBe(EXIT.ok);
  const [head = '', text = ''] = ofFolder.out.split('\n\nPrompt policy ');
  expect(head).toBe(`folder  ${folder}`);
  expect(text).toContain('| Triage.');
  expect((await run(['policy', 'show', folder, '3'], {})).exitCode).toBe(EXIT.usage);
  const { asked, env } = await controlPlane();
  const newest = await run(['policy', 'show', 'triage'], env);
  expect(newest.out.startsWith(`control plane  ${env.OPENWARD_URL}\n`)).toBe(true);
  expect(newest.out).toContain(text);
  expect(newest.out).toContain(VIEW.digest);
  expect(asked.map((it) => it.path)).toEqual([
    'GET /api/v1/policies?id=triage&limit=1',
    'GET /api/v1/policies/triage/3',
  ]);
  await run(['policy', 'show', 'triage', '2'], env);
  expect(asked.at(-1)?.path).toBe('GET /api/v1/policies/triage/2');
});

it('lists policies on one line each, whatever their authors wrote', async () => {
  const { env } = await controlPlane();
  const { out } = await run(['policy', 'list'], env);
  expect(out.split('\n')).toHaveLength(3);
  expect(out).toContain('triage  3');
  expect(out).not.toContain('\u001b');
});

it('takes a plain name for a registered policy, also where a folder is called so', async () => {
  const before = process.cwd();
  mkdirSync(join(folder, 'triage@3'));
  await writePolicyDir(join(folder, 'triage'), { ...POLICY, systemPrompt: 'Of the folder.' });
  await writePolicyDir(join(folder, 'unknown'), { ...POLICY, id: 'unknown' });
  const { asked, env } = await controlPlane();
  process.chdir(folder);
  try {
    expect((await run(['policy', 'show', 'triage'], env)).out).not.toContain('Of the folder.');
    expect((await run(['policy', 'show', './triage'], env)).out).toContain('Of the folder.');
    expect((await run(['policy', 'diff', 'triage@3', './triage'], env)).out).toContain('+ Of the folder.');
    const unknown = await run(['policy', 'show', 'unknown'], env);
    expect(unknown).toMatchObject({ exitCode: EXIT.usage });
    expect(unknown.err).toContain('The folder of that name is ./unknown.');
  } finally {
    process.chdir(before);
  }
  expect(asked.map((it) => it.path)).toContain('GET /api/v1/policies/triage/3');
});
