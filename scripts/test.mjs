// Runs every test that can run on this machine, names what it left out, and closes with one line of counts.
//
//   npm test                       everything
//   npm test -- --project pg       one kind
//   npm test -- libs/rollout       what lies there
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findOllamas, natsServers, removeCluster, startPostgres } from '../libs/testkit/dist/index.js';
import { runTests } from './vitest-run.mjs';

const noNats = () => (natsServers().length > 0 ? undefined : 'no NATS server could be had');
const noOllama = async () =>
  (await findOllamas()).length > 0 ? undefined : 'no Ollama: put one on the PATH, or name it in OPENWARD_OLLAMA';

/** Each kind of test, and what tells why it cannot run here. */
const KINDS = {
  unit: () => undefined,
  search: () => undefined,
  pg: () => undefined,
  nats: noNats,
  llama: () => undefined,
  ollama: noOllama,
  e2e: noNats,
};

function readArguments(args) {
  const kinds = [];
  const filters = [];
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--project') kinds.push(args[(at += 1)]);
    else filters.push(args[at]);
  }
  const unknown = kinds.filter((kind) => !(kind in KINDS));
  if (unknown.length > 0)
    throw new Error(`There are no tests of the kind ${unknown.join(', ')}: ${Object.keys(KINDS).join(', ')}`);
  return { kinds: kinds.length > 0 ? kinds : Object.keys(KINDS), filters };
}

/** One PostgreSQL for all test processes: each would start its own otherwise, at a second each. */
async function sharedPostgres() {
  const folder = await mkdtemp(join(tmpdir(), 'openward-test-run-'));
  const dataDir = join(folder, 'data');
  const server = await startPostgres({ dataDir, forgetful: true });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      await removeCluster(dataDir);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const { kinds, filters } = readArguments(process.argv.slice(2));
const reasons = await Promise.all(kinds.map(async (kind) => ({ kind, why: await KINDS[kind]() })));
const leftOut = reasons.filter(({ why }) => why !== undefined);
const running = kinds.filter((kind) => !leftOut.some((left) => left.kind === kind));
const wantsPostgres = running.includes('pg') || running.includes('e2e');
const postgres = wantsPostgres ? await sharedPostgres() : undefined;
if (postgres) process.env.OPENWARD_TEST_POSTGRES = postgres.url;
let counts;
try {
  counts = await runTests(running, filters);
} finally {
  await postgres?.stop();
}
for (const { kind, why } of leftOut) console.log(`left out: the ${kind} tests (${why})`);
for (const line of counts.notes) console.log(line);
if (counts.passed + counts.failed === 0) console.log('No test ran.');
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
