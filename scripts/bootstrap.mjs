// What `npm run demo`, `npm test`, `npm run check` and `npm run bench` start. It brings a fresh clone to where the command
// can run, then runs it under the Node 24 that came with the dependencies. Plain JavaScript for Node 20, since nothing is
// installed when it starts.
//
//   node scripts/bootstrap.mjs <demo|test|check|bench> [arguments for the command]
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { areDependenciesInstalled, installDependencies, ROOT } from './dependencies.mjs';
import { newNode, runProgram, runToEnd } from './programs.mjs';
import { ensureNatsServer } from './nats-server.mjs';

const COMMANDS = {
  demo: { program: 'deploy/demo/dist/main.js', builds: true, needsNats: true },
  test: { program: 'scripts/test.mjs', builds: true, needsNats: true },
  check: { program: 'scripts/check.mjs', builds: false, needsNats: false },
  bench: { program: 'tests/bench/main.ts', builds: true, needsNats: true },
};

const [dim, plain] = process.stderr.isTTY ? ['\u001b[2m', '\u001b[0m'] : ['', ''];
const say = (line) => console.error(`${dim}» ${line}${plain}`);

async function build(node) {
  const started = Date.now();
  const note = setTimeout(() => say('building'), 1_500);
  const code = await runProgram(node, [join(ROOT, 'node_modules/@typescript/native/bin/tsc'), '--build'], {
    cwd: ROOT,
  });
  clearTimeout(note);
  if (code !== 0) throw new Error('The build failed: see above.');
  if (Date.now() - started > 1_500) say(`built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

async function main([name, ...args]) {
  const command = COMMANDS[name];
  if (!command) throw new Error(`Usage: node scripts/bootstrap.mjs <${Object.keys(COMMANDS).join('|')}> [arguments]`);
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node ${process.versions.node} is too old: install Node 20 or newer, and run this again.`);
  }
  if (!areDependenciesInstalled()) await installDependencies(say);
  const node = newNode();
  if (command.builds) await build(node);
  if (command.needsNats) {
    // The tests name what they left out for want of it; the others cannot start.
    await ensureNatsServer(say).catch((error) => {
      if (name !== 'test') throw error;
      say(error.message);
    });
  }
  if (!existsSync(join(ROOT, command.program)))
    throw new Error(`${command.program} is missing: this clone is not whole.`);
  return runToEnd(node, [join(ROOT, command.program), ...args]);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
