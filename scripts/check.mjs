// The quick look before a commit: format, lint, types, unit tests. Says how long each took, and goes on after a failure,
// so that one run shows everything.
//
//   npm run check                  all four
//   npm run check -- --no-tests    without the unit tests
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import { runProgram } from './programs.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const STEPS = [
  { name: 'format', tool: 'oxfmt/bin/oxfmt', args: ['--check'] },
  { name: 'lint', tool: 'oxlint/bin/oxlint', args: ['--type-aware'] },
  { name: 'types', tool: '@typescript/native/bin/tsc', args: ['--build'] },
  { name: 'types of the tests', tool: '@typescript/native/bin/tsc', args: ['--project', 'tsconfig.tests.json'] },
];

let failed = 0;
for (const { name, tool, args } of STEPS) {
  const started = performance.now();
  const code = await runProgram(process.execPath, [join(ROOT, 'node_modules', tool), ...args], { cwd: ROOT });
  if (code !== 0) failed += 1;
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
if (!process.argv.includes('--no-tests')) {
  const { runTests } = await import('./vitest-run.mjs');
  const counts = await runTests(['unit'], []);
  if (counts.failed > 0 || counts.passed === 0) failed += 1;
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
}
process.exit(failed > 0 ? 1 : 0);
