import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { isRunning } from '@openward/testkit';
import { describe, expect, it } from 'vitest';

// A stand-in for the demo, behind the same last step that the bootstrap takes.
const PROGRAM = `
  let signals = 0;
  process.on('SIGINT', () => {
    signals += 1;
    setTimeout(() => process.exit(40 + signals), 300);
  });
  setInterval(() => {}, 1000);
  console.log(process.pid);`;

const BOOTSTRAP = `
  import { runToEnd } from ${JSON.stringify(new URL('../../scripts/programs.mjs', import.meta.url).href)};
  process.exitCode = await runToEnd(process.execPath, ['--eval', process.argv[1]]);`;

async function start(program: string): Promise<{ bootstrap: ChildProcess; pid: number }> {
  const bootstrap = spawn(process.execPath, ['--input-type=module', '--eval', BOOTSTRAP, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(bootstrap.stdout), 'line')) as [string];
  return { bootstrap, pid: Number(line) };
}

describe.skipIf(process.platform === 'win32')('the program behind the bootstrap', () => {
  it('is told of a Ctrl-C once, though the terminal and npm both tell the bootstrap', async () => {
    const { bootstrap, pid } = await start(PROGRAM);
    bootstrap.kill('SIGINT');
    bootstrap.kill('SIGINT');
    expect(await once(bootstrap, 'exit')).toEqual([41, null]);
    expect(isRunning(pid)).toBe(false);
  });

  it('has its exit code returned', async () => {
    const { bootstrap } = await start('console.log(process.pid); process.exitCode = 7;');
    expect(await once(bootstrap, 'exit')).toEqual([7, null]);
  });

  it('has a death by a signal told as a shell tells it', async () => {
    const { bootstrap } = await start('console.log(process.pid); process.kill(process.pid, "SIGKILL");');
    expect(await once(bootstrap, 'exit')).toEqual([137, null]);
  });

  it.runIf(process.platform === 'linux')('ends when the bootstrap is killed', async () => {
    const { bootstrap, pid } = await start(PROGRAM);
    bootstrap.kill('SIGKILL');
    await expect.poll(() => isRunning(pid), { timeout: 5_000 }).toBe(false);
  });
});
