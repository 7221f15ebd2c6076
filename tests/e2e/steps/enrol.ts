import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { AGENT } from '@openward/demo/harness';
import type { World } from '../fixture.ts';

/** What the agent's own enrolment says, in a folder of its own: the refusal's body, or null where it enrolled. */
export function enrolWith({ network }: World, node: string, token: string): Promise<unknown> {
  const program = join(dirname(AGENT), 'enrol-main.js');
  const dataDir = join(network.dir, 'enrolling', `${node}-${performance.now()}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, '--data', dataDir, '--node', node], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0 ? null : JSON.parse(said.trim().split('\n').at(-1) ?? 'null')));
    child.stdin.end(token);
  });
}
