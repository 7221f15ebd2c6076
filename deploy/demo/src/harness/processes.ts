import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { tiedToParent, until } from '@openward/testkit';

/** How to start a process again: what a person could type. */
export interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly start: Start;
  isRunning(): boolean;
  /** All that it has written to its log, since the first start of this name. */
  log(): string;
  /** SIGTERM, and SIGKILL when it is still there after 10 s. */
  stop(): Promise<void>;
  kill9(): Promise<void>;
}

const own = new Set<Running>();

/** Only these come from our environment: nothing that a person exported changes what the demo shows. */
const PASSED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'OPENWARD_CACHE', 'NODE_OPTIONS'];
const passedOn = (): Record<string, string> =>
  Object.fromEntries(PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

export function startProcess(name: string, start: Start, logFile: string): Running {
  mkdirSync(dirname(logFile), { recursive: true });
  const out = openSync(logFile, 'a', 0o600);
  // A demo that is itself killed leaves nothing behind.
  const [program = start.command, ...args] = tiedToParent([start.command, ...start.args], 'KILL');
  const child = spawn(program, args, { env: { ...passedOn(), ...start.env }, stdio: ['ignore', out, out] });
  closeSync(out);
  const running: Running = {
    name,
    pid: child.pid ?? -1,
    start,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    log: () => readFileSync(logFile, 'utf8'),
    stop: () => end(child, 'SIGTERM', running),
    kill9: () => end(child, 'SIGKILL', running),
  };
  own.add(running);
  child.once('exit', () => own.delete(running));
  return running;
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL', running: Running): Promise<void> {
  if (!running.isRunning()) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(late);
}

/** Ends every process that was started here and still runs. */
export const stopAll = async (): Promise<void> => void (await Promise.all([...own].map((running) => running.stop())));

/** The last resort, when this process itself ends in a hurry. */
process.on('exit', () => {
  for (const { pid } of own) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
});

/** Waits for a line of JSON with this message; rejects with the end of the log when the process ends first. */
export async function lineOf(running: Running, message: string, after = 0): Promise<Record<string, unknown>> {
  return until(
    () => {
      const lines = running.log().slice(after).split('\n');
      const found = lines.find((line) => line.includes(`"msg":"${message}"`));
      if (found !== undefined) return JSON.parse(found) as Record<string, unknown>;
      if (!running.isRunning()) throw new Error(`${running.name} ended: ${running.log().slice(-1500)}`);
      return undefined;
    },
    { within: 60_000, every: 20, what: `${running.name} says ${message}` },
  );
}
