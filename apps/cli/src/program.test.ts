import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRelease, PlanRequest, RolloutSettings, Service, SuiteDocument } from '@openward/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.ts';
import { buildProgram } from './program.ts';
import { run } from './terminal.fixture.ts';

let folder: string;
let stopServer: () => Promise<void> = () => Promise.resolve();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openward-cli-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await stopServer();
});

/** Answers every request with the same; gives the environment that a script would set. */
async function controlPlane(status: number, body: unknown): Promise<Record<string, string>> {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('connection', 'close');
    response.statusCode = status;
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stopServer = () => new Promise((resolve) => server.close(() => resolve()));
  const { port } = server.address() as AddressInfo;
  return { OPENWARD_URL: `http://127.0.0.1:${port}`, OPENWARD_TOKEN: 'a-token' };
}

const refusal = (code: string) => ({ code, message: 'It was refused.', next: 'Do this.' });

describe('the exit code', () => {
  it('is 0 with help', async () => {
    expect(await run(['--help'])).toMatchObject({ exitCode: EXIT.ok });
    expect(await run(['rollouts', 'plan', '--help'])).toMatchObject({ exitCode: EXIT.ok });
  });

  it.each([
    [['nonsense']],
    [['sites', 'lst']],
    [['sites', 'add', 'north']],
    [['sites', 'list', '--nonsense']],
    [['rollouts', 'plan']],
    [['sites', 'list']],
    [['node', 'status']],
  ])('is 2 where the command line is wrong: %j', async (args) => {
    const { exitCode, err, out } = await run(args);
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain('next: ');
    expect(out).toBe('');
  });

  it.each([
    [409, 'conflict', EXIT.refused],
    [422, 'planBlocked', EXIT.refused],
    [401, 'unauthenticated', EXIT.notAuthorised],
    [403, 'forbidden', EXIT.notAuthorised],
  ])('of a refusal with status %i and code %s is %i', async (status, code, exitCode) => {
    const env = await controlPlane(status, refusal(code));
    const ran = await run(['sites', 'list'], env);
    expect(ran).toEqual({ exitCode, out: '', err: 'openward: It was refused.\n  next: Do this.\n' });
  });

  it('is 3 where nothing answers', async () => {
    const env = { OPENWARD_URL: 'http://127.0.0.1:9', OPENWARD_TOKEN: 'a-token' };
    expect(await run(['doctor'], env)).toMatchObject({ exitCode: EXIT.unreachable });
  });

  it('is 4 without a token', async () => {
    expect(await run(['doctor'], { OPENWARD_URL: 'http://127.0.0.1:9' })).toMatchObject({
      exitCode: EXIT.notAuthorised,
    });
  });

  it('is 6 where the doctor found a problem, and 0 with a warning alone', async () => {
    const doctor = (level: string) => ({
      version: '1.0.0',
      protocol: 1,
      epoch: 1,
      findings: [{ level, what: 'NATS', why: 'not connected', since: null, next: 'Start it.' }],
    });
    const ill = await run(['doctor'], await controlPlane(200, doctor('problem')));
    expect(ill.exitCode).toBe(EXIT.problemFound);
    expect(ill.out).toContain('Start it.');
    await stopServer();
    expect((await run(['doctor'], await controlPlane(200, doctor('warning')))).exitCode).toBe(EXIT.ok);
  });
});

describe('for scripts', () => {
  it('an answer is JSON on standard output, and an error JSON on standard error', async () => {
    const listed = await run(['sites', 'list', '--json'], await controlPlane(200, { items: [], next: null }));
    expect(JSON.parse(listed.out)).toEqual([]);
    await stopServer();
    const refused = await run(['sites', 'list', '--json'], await controlPlane(409, refusal('conflict')));
    expect(JSON.parse(refused.err)).toEqual(refusal('conflict'));
  });

  it('a token in the clear goes to loopback alone', async () => {
    const env = { OPENWARD_URL: 'http://openward.example.org', OPENWARD_TOKEN: 'a-token' };
    expect(await run(['sites', 'list'], env)).toMatchObject({ exitCode: EXIT.usage });
  });

  it('a start says which plan it approves', async () => {
    const env = { OPENWARD_URL: 'http://127.0.0.1:9', OPENWARD_TOKEN: 'a-token' };
    const { exitCode } = await run(
      ['rollouts', 'start', '--service', 'triage', '--release', '2', '--approve', `sha256:${'0'.repeat(64)}`],
      env,
    );
    expect(exitCode).toBe(EXIT.unreachable);
  });
});

describe('login', () => {
  it('keeps what works, for its owner alone, and no token goes to another address', async () => {
    const env = await controlPlane(200, { name: 'ada', role: 'admin' });
    const home = { HOME: folder };
    const args = ['login', '--url', env['OPENWARD_URL'] ?? '', '--token-file', '-'];
    expect(await run(args, home, { stdin: 'a-token\n' })).toMatchObject({ exitCode: EXIT.ok });
    const path = join(folder, '.config/openward/credentials.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ url: env['OPENWARD_URL'], token: 'a-token' });
    const elsewhere = await run(['sites', 'list'], { ...home, OPENWARD_URL: 'https://other.example.org' });
    expect(elsewhere.exitCode).toBe(EXIT.notAuthorised);
  });

  it('says which kept file cannot be read, and not that nobody has logged in', async () => {
    mkdirSync(join(folder, '.config/openward'), { recursive: true });
    writeFileSync(
      join(folder, '.config/openward/credentials.json'),
      '{"url": "https://a.example.org", "token": "a-tok',
    );
    const { exitCode, err } = await run(['sites', 'list'], { HOME: folder });
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toMatch(/credentials\.json: it is not JSON/);
    expect(err).not.toContain('a-tok');
  });

  it('keeps nothing that is refused', async () => {
    const env = await controlPlane(401, refusal('unauthenticated'));
    const args = ['login', '--url', env['OPENWARD_URL'] ?? '', '--token-file', '-'];
    expect(await run(args, { HOME: folder }, { stdin: 'bad' })).toMatchObject({ exitCode: EXIT.notAuthorised });
    expect(() => statSync(join(folder, '.config'))).toThrow('ENOENT');
  });
});

describe('a push of a model', () => {
  const push = (file: string) => run(['models', 'push', file, '--name', 'a', '--version', '1', '--config', 'none']);

  it.each([
    ['', 'The file is empty.', 'Push a GGUF file'],
    ['# a text', 'does not start with the four letters GGUF', 'Push a GGUF file'],
    ['GGUF\u0003\0\0\0', 'byte', 'copy it again'],
  ])('judges %j before it asks for an address', async (text, why, next) => {
    const file = join(folder, 'model.gguf');
    writeFileSync(file, text);
    const { exitCode, err } = await push(file);
    expect(exitCode).toBe(EXIT.refused);
    expect(err).toContain(why);
    expect(err).toContain(next);
  });

  it('names the field of its config that is misspelt, and sends nothing', async () => {
    const config = join(folder, 'config.json');
    const mark = { before: '', after: '' };
    const template = { bos: '', system: mark, user: mark, assistant: mark, stop: [] };
    writeFileSync(config, JSON.stringify({ template, needs: { threads: 1, memoryBytes: 0 }, contextLenght: 512 }));
    const file = join(import.meta.dirname, '../../../deploy/demo/models/triage-nano-1.q8_0.gguf');
    const env = { OPENWARD_URL: 'http://127.0.0.1:9', OPENWARD_TOKEN: 'a-token' };
    const ran = await run(['models', 'push', file, '--name', 'a', '--version', '1', '--config', config], env);
    expect(ran.exitCode).toBe(EXIT.usage);
    expect(ran.err).toContain('contextLenght');
  });
});

describe('the page about the commands', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');

  it('has every command', () => {
    const terminal = { env: {}, isTty: false, columns: 80, out() {}, raw() {}, err() {}, readStdin: async () => '' };
    const cli = { terminal, signal: new AbortController().signal, clock: () => 0, exitCode: EXIT.ok };
    const paths = (command: ReturnType<typeof buildProgram>, before: string): string[] => {
      const path = `${before} ${command.name()}`.trim();
      return command.commands.length === 0 ? [path] : command.commands.flatMap((it) => paths(it, path));
    };
    expect(paths(buildProgram(cli), '').filter((path) => !page.includes(`\`${path}`))).toEqual([]);
  });

  // Documents stand there as one would write them, each behind the command that takes it.
  const documents = [...page.matchAll(/^`(?<command>[a-z ]+[a-z])(?: --config)?`:.*?```json\n(?<text>.*?)```/gms)].map(
    (match) => ({
      command: match.groups?.['command'] ?? '',
      document: JSON.parse(match.groups?.['text'] ?? '') as unknown,
    }),
  );
  const documentOf = (command: string) => documents.find((it) => it.command === command)?.document;

  it('has documents that are taken as they stand, and every setting of a rollout with what it is where it is left out', () => {
    expect(Service.parse(documentOf('services add')).name).toBe('triage');
    expect(CreateRelease.parse(documentOf('releases create')).parameters.maxTokens).toBe(4);
    expect(SuiteDocument.parse(documentOf('suites push')).items).toHaveLength(1);
    expect(PlanRequest.parse(documentOf('rollouts plan')).waves).toHaveLength(2);
    const without = RolloutSettings.parse({});
    for (const name of Object.keys(RolloutSettings.shape)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? `no row for ${name}`;
      const value = without[name as keyof typeof without];
      const told = row.split('|')[2]?.replaceAll(/[`"{} ]/g, '') ?? '';
      if (value !== undefined) expect(told, row).toContain(JSON.stringify(value).replaceAll(/["{}]/g, ''));
    }
  });

  it('has every exit code', () => {
    expect(Object.values(EXIT).filter((code) => !page.includes(`| ${code} |`))).toEqual([]);
  });
});
