// Starts other programs. Plain JavaScript for Node 20 without dependencies.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');

/** The Node 24 that is among the dependencies, or the one that runs this where no build of it exists. */
export function newNode() {
  const installed = join(BIN, process.platform === 'win32' ? 'node.cmd' : 'node');
  for (const node of [installed, process.execPath]) {
    try {
      const version = execFileSync(node, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      if (Number(version.slice(1).split('.')[0]) >= 24) return node;
    } catch {
      // Not for this platform.
    }
  }
  throw new Error(
    `There is no packaged Node 24 for ${process.platform}-${process.arch}: install Node 24, and run this again.`,
  );
}

/** An exit code as a shell would give it. */
const codeOf = (code, signal) => code ?? 128 + (constants.signals[signal] ?? 1);

/** Runs a program to its end with our input and output, and returns its exit code. */
export function runProgram(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
    // A terminal's Ctrl-C reaches it by itself.
    const passOn = () => child.kill('SIGTERM');
    process.on('SIGTERM', passOn);
    child.once('close', () => process.off('SIGTERM', passOn));
    child.once('error', (error) => reject(new Error(`${program} could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(codeOf(code, signal)));
  });
}

/** Runs a program to its end, and returns its exit code and all that it wrote. */
export function captureProgram(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', (error) => reject(new Error(`${program} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => resolve({ code: codeOf(code, signal), output }));
  });
}

/**
 * Becomes, as nearly as can be, the program: signals go to it and its exit code is returned. It gets a process group of
 * its own, because a terminal's Ctrl-C goes to a whole group and npm passes it on as well: so it would come three times.
 * Should we be killed, the kernel ends it where util-linux is there to ask for that.
 */
export function runToEnd(node, args) {
  const tied = process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;
  const [program, ...rest] = [...(tied ? ['setpriv', '--pdeathsig', 'TERM'] : []), node, ...args];
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}` };
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: 'inherit', env, detached: true });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(codeOf(code, signal)));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      let last = -Infinity;
      process.on(signal, () => {
        if (performance.now() - last > 500) child.kill(signal);
        last = performance.now();
      });
    }
  });
}
