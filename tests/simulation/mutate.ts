// node --conditions=@openward/source tests/simulation/mutate.ts [seeds] [word of the bug]: puts known bugs into a copy of
// the libraries, one at a time, and tells the seed that finds each.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Mutant {
  readonly bug: string;
  /** Under `libs`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    bug: 'permits without a bound',
    file: 'rollout/src/permits.ts',
    from: 'return others < maxConcurrentOf(rollout)',
    to: 'return true',
  },
  {
    bug: 'a report acknowledged whose predecessor is missing',
    file: 'rollout/src/memory-store.ts',
    from: 'while (seqs.has(ackedThrough + 1)) ackedThrough += 1;',
    to: 'ackedThrough = Math.max(ackedThrough, seq);',
  },
  {
    bug: 'a report dropped before it is committed',
    file: 'privacy/src/outbox.driver.ts',
    from: 'await ports.store.acknowledge(ackedThrough);',
    to: 'await ports.store.acknowledge(reached);',
  },
  {
    bug: 'a ledger whose rows are not written one after the other',
    file: 'privacy/src/disclosure-gate.driver.ts',
    from: 'const mine = last.then(act);',
    to: 'const mine = act();',
  },
  {
    bug: 'an outbox row that takes newer ones along',
    file: 'rollout/src/relay.driver.ts',
    from: '{ generation: newest.state.generation, revision: put.revision }',
    to: '{ generation: { ...newest.state.generation, number: 1e9 }, revision: put.revision }',
  },
  {
    bug: 'a desired state put over a newer one',
    file: 'rollout/src/memory-store.ts',
    from: "if ((values.get(node.node)?.revision ?? 0) !== expected) return { kind: 'conflict' };",
    to: '',
  },
  {
    bug: 'an older desired state taken for the newest',
    file: 'activation/src/desired.ts',
    from: 'if (order <= 0 ||',
    to: 'if (',
  },
  {
    bug: 'answers kept without the release that gave them',
    file: 'evaluation/src/run.driver.ts',
    from: 'const key: ResultKey = { ...subject,',
    to: "const key: ResultKey = { ...subject, release: 'any', variant: 'any',",
  },
  {
    bug: 'a failed gate that stops nothing on the node, nor in the network',
    file: 'contracts/src/suite.ts',
    from: "ceilingBroken: 'fail'",
    to: "ceilingBroken: 'pass'",
  },
  {
    bug: 'a journal entry that is not synced',
    file: 'activation/src/reconciler.driver.ts',
    from: 'return journal.sync();',
    to: 'return;',
  },
  {
    bug: 'an anchor that is given up',
    file: 'activation/src/turn.ts',
    from: '[active, lastGood, anchor];\n  if',
    to: '[active, lastGood];\n  if',
  },
  {
    bug: 'a halt that is not journalled',
    file: 'activation/src/commands.ts',
    from: "turn.record({ kind: 'halted', service, halted: true });",
    to: '',
  },
  {
    bug: 'a report that wakes no tick',
    file: 'rollout/src/memory-store.ts',
    from: 'markDue(tables, report.node, now + dueInMs);',
    to: '',
  },
  {
    bug: 'nobody comes late',
    file: 'rollout/src/late.ts',
    from: "else offerNextAttempt(draft, node, { phase: 'proceed', late: true, failed: false });",
    to: '',
  },
  {
    bug: 'a file that is named before it is synced',
    file: 'distribution/src/fill.driver.ts',
    from: 'await syncing;\n  await target.sync();',
    to: 'await syncing;',
  },
];

const ROOT = join(import.meta.dirname, '..', '..');
const [seeds = '60', word = ''] = process.argv.slice(2);

async function copyTo(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules', '@openward'), { recursive: true });
  const filter = (name: string): boolean => !/\/(dist|node_modules|\.cache)$|\.test\.ts$/.test(name);
  await cp(import.meta.dirname, join(folder, 'tests', 'simulation'), { recursive: true, filter });
  for (const library of await readdir(join(ROOT, 'libs'))) {
    await cp(join(ROOT, 'libs', library), join(folder, 'libs', library), { recursive: true, filter });
    await symlink(join(folder, 'libs', library), join(folder, 'node_modules', '@openward', library));
  }
}

async function findSeed(folder: string, { file, from, to }: Mutant): Promise<string> {
  const path = join(folder, 'libs', file);
  const text = await readFile(path, 'utf8');
  if (!text.includes(from)) return 'there is nothing to mutate';
  await writeFile(
    path,
    text.replace(from, () => to),
  );
  const args = ['--conditions=@openward/source', join(folder, 'tests', 'simulation', 'story.ts'), seeds, '1', 'first'];
  const run = promisify(execFile)(process.execPath, args, { timeout: 600_000 });
  const said = await run.then(
    () => 'NOT FOUND',
    ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) => stdout || stderr,
  );
  await writeFile(path, text);
  return said.split('\n')[0]!;
}

await mkdir(join(ROOT, '.cache'), { recursive: true });
// Inside the repository, so that a copy finds what it imports.
const folder = await mkdtemp(join(ROOT, '.cache', 'mutants-'));
try {
  await copyTo(folder);
  for (const mutant of MUTANTS.filter(({ bug }) => bug.includes(word)))
    console.log(`${mutant.bug}: ${await findSeed(folder, mutant)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
