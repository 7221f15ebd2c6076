import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { starterPolicy } from '@openward/policy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { run } from '../terminal.fixture.ts';
import { writePolicyDir } from './policy-folder.ts';

let folder: string;
let dir: string;
let stop: () => Promise<void> = () => Promise.resolve();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openward-policy-'));
  dir = join(folder, 'triage');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await stop();
  stop = () => Promise.resolve();
});

const edit = (name: string, from: string | RegExp, to: string, of = dir): void => {
  const text = readFileSync(join(of, name), 'utf8');
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  writeFileSync(join(of, name), edited);
};

describe('policy init', () => {
  it('writes a policy that passes its own test', async () => {
    expect(await run(['policy', 'init', dir, '--id', 'ward-7'])).toMatchObject({ exitCode: EXIT.ok });
    expect(readdirSync(dir).toSorted()).toEqual([
      'policy.yaml',
      'rules.yaml',
      'system.txt',
      'tests.yaml',
      'texts.yaml',
    ]);
    const tested = await run(['policy', 'test', dir]);
    expect(tested).toMatchObject({ exitCode: EXIT.ok, err: '' });
    expect(tested.out).toContain('ward-7 1');
  });

  it('writes over nothing', async () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    expect(await run(['policy', 'init', dir])).toMatchObject({ exitCode: EXIT.usage });
    expect(readdirSync(dir)).toEqual(['notes.txt']);
    expect(await run(['policy', 'init', join(dir, 'notes.txt')])).toMatchObject({ exitCode: EXIT.usage });
    expect(readFileSync(join(dir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('refuses a name that is none, and writes nothing', async () => {
    expect(await run(['policy', 'init', dir, '--id', 'Ward 7'])).toMatchObject({ exitCode: EXIT.usage });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('policy test', () => {
  beforeEach(async () => {
    await run(['policy', 'init', dir]);
  });

  it('has a line for each rule, with its tests and how its replies stream', async () => {
    const { out } = await run(['policy', 'test', dir]);
    for (const { id } of starterPolicy().rules) expect(out).toMatch(new RegExp(`^${id} `, 'm'));
    expect(out).toMatch(/^RULE +STAGE +KIND +DOES +MODE +TESTS +PASSED +STREAM$/m);
    expect(out).toMatch(/^Streamed replies: /m);
    expect(out).toMatch(/^System prompt: \d+ bytes, so \d+ tokens at the most/m);
    const json = JSON.parse((await run(['policy', 'test', dir, '--json'])).out) as Record<string, unknown>;
    expect(json).toMatchObject({ ok: true, findings: [], policy: { revision: 1 } });
    expect(json['tests']).toHaveLength(starterPolicy().tests.length);
  });

  it('says which rule makes streams wait, and why', async () => {
    const { rules, tests, ...rest } = starterPolicy();
    const [first] = rules.filter(({ stage, action }) => stage === 'output' && action.does === 'redact');
    const [test] = tests.filter(({ rule }) => rule === first?.id);
    const ends = { ...first!, id: 'at-the-end', match: { kind: 'regex', pattern: 'zz$', ignoreCase: false } as const };
    const testsOf = rest.languages.flatMap((language) =>
      ['a zz', 'a z'].map((reply) => {
        const hits = reply === 'a zz';
        const text = hits ? `a ${first?.action.does === 'redact' ? first.action.marker : ''}` : reply;
        const expected = { action: hits ? 'redact' : 'none', rules: hits ? [ends.id] : [], text, asked: null } as const;
        return {
          ...test!,
          rule: ends.id,
          language,
          messages: [{ role: 'user' as const, content: 'So?' }],
          reply,
          cuts: [2],
          expect: expected,
        };
      }),
    );
    rmSync(dir, { recursive: true });
    await writePolicyDir(dir, { ...rest, disclaimer: null, rules: [ends], tests: testsOf });
    const { out } = await run(['policy', 'test', dir]);
    expect(out).toMatch(/^at-the-end .* buffer: \S/m);
    expect(out).toMatch(/^Streamed replies: are held back whole, because of at-the-end \(/m);
  });

  it('shows a test that fails, with the part in which both texts differ, and ends with 1', async () => {
    const [test] = starterPolicy().tests;
    edit('tests.yaml', /action: (\w+)/, 'action: block');
    const { exitCode, out, err } = await run(['policy', 'test', dir]);
    expect(exitCode).toBe(EXIT.refused);
    expect(out).toContain('testFailed tests[0]');
    expect(out).toContain(`“${test?.name}” (${test?.language}): action: expected “block”`);
    expect(err).toContain('next: ');
    const { exitCode: pushed } = await run(['policy', 'push', dir]);
    expect(pushed).toBe(EXIT.refused);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'a file that is misspelt',
      () => writeFileSync(join(dir, 'rule.yaml'), ''),
      /^shape rule\.yaml\n {2}A policy has no such file/m,
    ],
    ['a file that is missing', () => rmSync(join(dir, 'texts.yaml')), /^shape texts\.yaml\n {2}The file is missing/m],
    ['a field that is misspelt', () => edit('policy.yaml', 'clientSystem:', 'clientSytem:'), /clientSytem/],
    ['YAML that is none', () => writeFileSync(join(dir, 'texts.yaml'), 'a: [\n'), /^shape texts\.yaml line \d/m],
    ['a text without a language', () => edit('texts.yaml', / {2}fr:/, '  de:'), /^languageMissing texts\./m],
  ])('names %s, and ends with 1', async (_what, spoil, says) => {
    spoil();
    const { exitCode, out } = await run(['policy', 'test', dir]);
    expect(exitCode).toBe(EXIT.refused);
    expect(out).toMatch(says);
  });

  it('reads regular files alone, in UTF-8, and leaves hidden ones be', async () => {
    mkdirSync(join(dir, '.git'));
    expect(await run(['policy', 'test', dir])).toMatchObject({ exitCode: EXIT.ok });
    symlinkSync('/dev/zero', join(dir, 'more.yaml'));
    expect(await run(['policy', 'test', dir])).toMatchObject({ exitCode: EXIT.usage });
    rmSync(join(dir, 'more.yaml'));
    writeFileSync(join(dir, 'system.txt'), Buffer.from([0xff, 0xfe]));
    expect((await run(['policy', 'test', dir])).err).toContain('no text in UTF-8');
    expect((await run(['policy', 'test', join(dir, 'policy.yaml')])).exitCode).toBe(EXIT.usage);
    expect((await run(['policy', 'test', join(folder, 'none')])).exitCode).toBe(EXIT.usage);
  });

  it('ends with a code of its own where nothing is wrong but that the policy has expired, and says so', async () => {
    edit('policy.yaml', /expires: .*/, 'expires: 2020-01-31T00:00:00Z');
    const tested = await run(['policy', 'test', dir]);
    expect(tested.exitCode).toBe(EXIT.expired);
    expect(tested.err).toContain('triage 1 HAS EXPIRED (2020-01-31T00:00:00Z)');
    const json = JSON.parse((await run(['policy', 'test', dir, '--json'])).out) as object;
    expect(json).toMatchObject({ ok: false, findings: [], expiry: { state: 'expired' } });
    edit('tests.yaml', /action: (\w+)/, 'action: block');
    expect((await run(['policy', 'test', dir])).exitCode).toBe(EXIT.refused);
  });

  it('shows three findings of each code, and all of them with --json', async () => {
    edit('tests.yaml', /action: none/g, 'action: block');
    edit('texts.yaml', /$/, 'unused:\n  en: Nobody.\n');
    const { out } = await run(['policy', 'test', dir]);
    expect(out).toContain('languageMissing texts.unused');
    edit('texts.yaml', /unused:\n {2}en: Nobody.\n/, '');
    const failing = await run(['policy', 'test', dir]);
    expect(failing.out.match(/^testFailed /gm)).toHaveLength(3);
    const [, more = ''] = /^… and (\d+) more of testFailed \(all of them with --json\)$/m.exec(failing.out) ?? [];
    const { findings } = JSON.parse((await run(['policy', 'test', dir, '--json'])).out) as { findings: unknown[] };
    expect(findings).toHaveLength(3 + Number(more));
    const pushed = await run(['policy', 'push', dir]);
    expect(pushed.err.match(/^ {2}testFailed /gm)).toHaveLength(3);
    expect(pushed.err).toContain(`… and ${more} more of testFailed`);
  });

  it('shows ends of lines as people read them, and what is not seen by its code point', async () => {
    edit('tests.yaml', 'This is help', 'That\u202E is help');
    const { out } = await run(['policy', 'test', dir]);
    expect(out).toContain('shortly.⏎⏎That\\u{202E} is help');
  });

  it('names the clinical sentences that it would change, and goes on', async () => {
    edit(
      'rules.yaml',
      /kind: identifier\n {4}identifier: email\n {2}action:\n {4}does: redact/,
      'kind: regex\n    pattern: \\d{3} mg|\\S+@\\S+org\n    ignoreCase: true\n  action:\n    does: redact',
    );
    const tested = await run(['policy', 'test', dir]);
    expect(tested.exitCode).toBe(EXIT.ok);
    expect(tested.err).toMatch(/^warning: \d+ of 150 clinical sentences would not pass as they are\./);
    expect(tested.err).toContain('email-out: reply (en): “Amoxicillin 500 mg three times daily');
  });

  it('warns of a policy that ends soon', async () => {
    edit('policy.yaml', /expires: .*/, 'expires: 2026-03-11T12:00:00Z');
    expect((await run(['policy', 'test', dir])).err).toContain('It expires in 10 days');
  });
});

describe('policy diff', () => {
  it('shows two folders side by side, with the class of change', async () => {
    await run(['policy', 'init', dir]);
    const next = join(folder, 'next');
    cpSync(dir, next, { recursive: true });
    edit('policy.yaml', 'revision: 1', 'revision: 2', next);
    expect((await run(['policy', 'diff', dir, next])).out).toMatch(/1 → \S+ 2: no difference but the revision\n$/);
    writeFileSync(join(next, 'system.txt'), 'Another\u001B[2J prompt.\n');
    const text = await run(['policy', 'diff', dir, next]);
    expect(text).toMatchObject({ exitCode: EXIT.ok, err: '' });
    expect(text.out).toContain(': policyText\n\nsystemPrompt\n');
    expect(text.out).toContain('  + Another\\u{1B}[2J prompt.\n');
    edit('rules.yaml', 'mode: enforce', 'mode: shadow', next);
    const rule = await run(['policy', 'diff', dir, next]);
    expect(rule.out).toContain(': policyRule\n');
    expect(rule.out).toContain('  - mode: enforce\n  + mode: shadow\n');
    const json = JSON.parse((await run(['policy', 'diff', dir, next, '--json'])).out) as object;
    expect(json).toMatchObject({ change: 'policyRule', to: { revision: 2 } });
  });

  it('takes a policy that was pushed by its id and revision', async () => {
    await run(['policy', 'init', dir]);
    const paths: (string | undefined)[] = [];
    const document = starterPolicy();
    const { id, revision, description, languages, notBefore, expires } = document;
    const server = createServer((request, response) => {
      paths.push(request.url);
      response.setHeader('connection', 'close');
      response.end(
        JSON.stringify({
          id,
          revision,
          description,
          languages,
          notBefore,
          expires,
          document,
          digest: `sha256:${'0'.repeat(64)}`,
          rules: document.rules.length,
          tests: document.tests.length,
          createdAt: '2026-01-05T08:00:00.000Z',
          createdBy: 'ada',
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stop = () => new Promise((resolve) => server.close(() => resolve()));
    const env = {
      OPENWARD_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OPENWARD_TOKEN: 'a-token',
    };
    const { exitCode, out } = await run(['policy', 'diff', `${id}@1`, dir], env);
    expect({ exitCode, out }).toMatchObject({ exitCode: EXIT.ok });
    expect(out).toContain('no difference but the revision');
    expect(paths).toEqual([`/api/v1/policies/${id}/1`]);
  });
});
