import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';

// Without this, a test process that is killed leaves its servers behind. `setpriv` (util-linux) asks the kernel to signal
// the child when the thread that started it ends, and then becomes the program itself, so that the process id stays.
// Where there is no `setpriv`, servers still end with an orderly exit of their parent.
let canTie: boolean | undefined;

/** A command that ends by `signal` when its parent dies, where the platform can do that; else the command as it is. */
export function tiedToParent(command: readonly string[], signal: 'TERM' | 'INT' | 'KILL' = 'TERM'): readonly string[] {
  canTie ??= process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;
  return canTie ? ['setpriv', '--pdeathsig', signal, ...command] : command;
}

export interface ServerChild {
  readonly pid: number;
  /** True once the process has ended, however it ended. */
  ended(): boolean;
  /** What it exited with; null while it runs, and when a signal ended it. */
  exitCode(): number | null;
  /** Sends `signal`, and SIGKILL when the process is still there after `within` milliseconds. Resolves when it ended. */
  end(signal: NodeJS.Signals, within?: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** All that it wrote, from this start and the earlier ones that had the same file. */
  log(): string;
}

/** Starts a server that writes to `logFile` and ends with this process. */
export function startChild(
  command: readonly string[],
  options: {
    logFile: string;
    signal: 'TERM' | 'INT';
    env?: NodeJS.ProcessEnv;
    uid?: number;
    gid?: number;
    cwd?: string;
  },
): ServerChild {
  const { logFile, signal, ...spawnOptions } = options;
  const [program, ...args] = tiedToParent(command, signal);
  if (program === undefined) throw new Error('no command');
  const output = openSync(logFile, 'a', 0o600);
  const child: ChildProcess = spawn(program, args, { ...spawnOptions, stdio: ['ignore', output, output] });
  closeSync(output);
  const atExit = (): void => void child.kill(`SIG${signal}`);
  process.once('exit', atExit);
  let over = false;
  const end = new Promise<void>((resolve) => {
    const finish = (): void => {
      over = true;
      process.off('exit', atExit);
      resolve();
    };
    child.once('exit', finish);
    child.once('error', finish);
  });
  return {
    pid: child.pid ?? -1,
    ended: () => over,
    exitCode: () => child.exitCode,
    signal: (name) => void child.kill(name),
    end: async (name, within = 10_000) => {
      child.kill(name);
      const patience = setTimeout(() => child.kill('SIGKILL'), within);
      await end;
      clearTimeout(patience);
    },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
  };
}

/** Whether a process still runs. One that has ended and that nobody has asked after, a zombie, does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The end of a log, for an error message. */
export function tail(log: string, lines = 12): string {
  return log.trimEnd().split('\n').slice(-lines).join('\n');
}
