import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Plan, RolloutView } from '@openward/contracts';
import { freePort, tiedToParent, until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeNode } from './node.fixture.ts';
import { startNetwork, type Client, type Network } from './network.fixture.ts';
import { catalogue } from './registry.fixture.ts';

// The program as it is started, from the build.

const MAIN = join(import.meta.dirname, '..', 'dist', 'main.js');

interface Process {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
}

function start(env: Record<string, string>, args: string[] = []): Process {
  const [program = '', ...rest] = tiedToParent([process.execPath, MAIN, ...args]);
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout?.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr?.on('data', (part: Buffer) => (err += part.toString()));
  return { child, out: () => out, err: () => err };
}

async function listening(it: Process): Promise<string> {
  const line = await until(
    () =>
      it
        .out()
        .split('\n')
        .find((text) => text.includes('"listening"')),
    {
      within: 30_000,
      what: `listening\n${it.out()}${it.err()}`,
    },
  );
  return (JSON.parse(line) as { url: string }).url;
}

const exit = async ({ child }: Process): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

let network: Network;
let node: FakeNode;
beforeAll(async () => {
  network = await startNetwork({ OPENWARD_LOG_LEVEL: 'silent' });
  await network.admin.post('/sites', { name: 'lakeside', tier: 'referral' });
  node = await FakeNode.enrol(network.admin, 'lakeside', 'lakeside-1');
  await node.connect();
  await node.told(() => true, 'the first desired state');
  await node.acked(await node.state());
  await catalogue(network.admin);
  await network.closeFirst();
});
afterAll(async () => {
  await node.close();
  await network.close();
});

it('says in one line what is wrong with its settings, and exits with 78', async () => {
  const wrong = start({ ...network.env, OPENWARD_DATABASE_URL: 'mysql://x' });
  expect(await exit(wrong)).toBe(78);
  expect(wrong.err().trim().split('\n')).toHaveLength(1);
  expect(wrong.err()).toContain('OPENWARD_DATABASE_URL');
  const old = start({ ...network.env, OPENWARD_SIGNING_KEYS: join(network.files.dir, 'nowhere') });
  expect(await exit(old)).toBe(78);
  expect(old.err()).toContain('OPENWARD_SIGNING_KEYS');
  const { port } = network.nats();
  const taken = start({ ...network.env, OPENWARD_LISTEN: `127.0.0.1:${port}` });
  expect(await exit(taken)).toBe(78);
  expect(taken.err()).toContain('OPENWARD_LISTEN');
  const unknown = start(network.env, ['dance']);
  expect(await exit(unknown)).toBe(78);
});

it('ends in order while it still waits for NATS', async () => {
  const waiting = start({
    ...network.env,
    OPENWARD_LOG_LEVEL: 'warn',
    OPENWARD_NATS_URLS: `nats://localhost:${await freePort()}`,
  });
  await until(() => waiting.out().includes('NATS link'), { within: 20_000, what: 'that NATS is missed' });
  waiting.child.kill('SIGTERM');
  expect(await exit(waiting)).toBe(0);
});

it('killed in the midst of a rollout and started again, it goes on where it was, and ends in order', async () => {
  const env = { ...network.env, OPENWARD_LOG_LEVEL: 'info', OPENWARD_LISTEN: `127.0.0.1:${await freePort()}` };
  const first = start(env);
  const admin: Client = network.clientOf(await listening(first), network.token);
  const request = { service: 'triage', release: 1, settings: { waveDeadlineMs: 60_000 } };
  const { body: plan } = await admin.post<Plan>('/rollouts/plan', request);
  const { body: rollout } = await admin.post<RolloutView>('/rollouts', { plan: request, approvedHash: plan.hash });
  await node.take('running');
  first.child.kill('SIGKILL');
  await exit(first);
  // Said while nobody listens: it waits in the stream.
  await node.says('active', 'ok');

  const second = start(env);
  expect(await listening(second)).toBe(admin.url);
  await node.assigned('complete');
  // What the first one had taken and not committed comes again, and nothing is missing.
  await until(async () => (await node.acked(node.seq)) === node.seq, {
    within: 10_000,
    what: 'every report is acknowledged',
  });
  const { body } = await admin.get<RolloutView>(`/rollouts/${rollout.id}`);
  expect(body.status).toBe('completed');
  second.child.kill('SIGTERM');
  expect(await exit(second)).toBe(0);
  expect(second.err()).toBe('');
});
