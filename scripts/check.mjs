// The quick look before a commit: format, lint, types, unit tests. One failure does not stop the rest, so that one run
// shows everything. The unit tests keep a core busy for most of the time, so the rest runs beside them.
//
// What searches for long (the kind `search`) is left to `npm test`.
//
//   npm run check                  all four
//   npm run check -- --no-tests    without the unit tests
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import { captureProgram } from './programs.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// The linter reads the types of other workspaces from what the compiler built: on a fresh clone that must come first.
const STEPS = [
  { name: 'format', tool: 'oxfmt/bin/oxfmt', args: ['--check'] },
  { name: 'types', tool: '@typescript/native/bin/tsc', args: ['--build'] },
  { name: 'types of the tests', tool: '@typescript/native/bin/tsc', args: ['--project', 'tsconfig.tests.json'] },
  { name: 'lint', tool: 'oxlint/bin/oxlint', args: ['--type-aware'] },
];

/** The steps one after another; each with its exit code, what it wrote and how long it took. */
async function runSteps() {
  const done = [];
  for (const { name, tool, args } of STEPS) {
    const started = performance.now();
    const run = await captureProgram(process.execPath, [join(ROOT, 'node_modules', tool), ...args], { cwd: ROOT });
    done.push({ name, ...run, seconds: (performance.now() - started) / 1000 });
  }
  return done;
}

async function runUnitTests() {
  if (process.argv.includes('--no-tests')) return undefined;
  const { runTests } = await import('./vitest-run.mjs');
  return runTests(['unit'], []);
}

const [steps, counts] = await Promise.all([runSteps(), runUnitTests()]);
for (const { code, output } of steps) if (code !== 0) console.log(output);
for (const { name, code, seconds } of steps)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`);
if (counts) console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
const isWell =
  steps.every(({ code }) => code === 0) && (counts === undefined || (counts.failed === 0 && counts.passed > 0));
process.exit(isWell ? 0 : 1);
