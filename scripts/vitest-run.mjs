// Runs vitest on some of its projects and counts what came out.
import { startVitest } from 'vitest/node';

// Longer than the longest time limit of a single test.
const LONGEST_SILENCE_MS = 6 * 60_000;

function count(module, counts) {
  if (module.errors().length > 0) counts.failed += 1;
  for (const suite of module.children.allSuites()) counts.failed += suite.errors().length > 0 ? 1 : 0;
  for (const test of module.children.allTests()) {
    const { state, note } = test.result();
    counts[state === 'pending' ? 'skipped' : state] += 1;
    if (state === 'skipped' && note) counts.notes.push(`skipped: ${test.fullName} (${note})`);
  }
}

/**
 * @param {string[]} projects names in vitest.config.ts
 * @param {string[]} filters parts of paths; everything when empty
 * @returns {Promise<{ passed: number, failed: number, skipped: number, notes: string[] }>} a file that could not be
 *   loaded, and an error outside every test, count as one failure each
 */
export async function runTests(projects, filters) {
  const counts = { passed: 0, failed: 0, skipped: 0, notes: [] };
  const underWay = new Set();
  let heard = () => undefined;
  const counter = {
    onTestModuleStart: (module) => heard(underWay.add(module.relativeModuleId)),
    onTestCaseResult: () => heard(),
    onTestModuleEnd: (module) => heard(underWay.delete(module.relativeModuleId)),
    onTestRunEnd(modules, unhandledErrors) {
      counts.failed += unhandledErrors.length;
      for (const module of modules) count(module, counts);
    },
  };
  // A test that spins without end cannot be stopped by its own time limit.
  const silence = new Promise((resolve) => {
    let timer;
    heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve('silent'), LONGEST_SILENCE_MS);
      timer.unref();
    };
    heard();
  });
  const options = {
    run: true,
    watch: false,
    project: projects,
    passWithNoTests: true,
    reporters: ['default', counter],
  };
  const run = startVitest('test', filters, options).then((vitest) => vitest?.close());
  if ((await Promise.race([run, silence])) === 'silent') {
    counts.failed += underWay.size || 1;
    for (const file of underWay)
      counts.notes.push(`failed: ${file} (nothing heard for ${LONGEST_SILENCE_MS / 60_000} minutes)`);
  }
  return counts;
}
