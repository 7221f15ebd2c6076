import { runCommand } from './program.ts';
import type { ExitCode } from './exit-codes.ts';

export interface Ran {
  readonly exitCode: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line with a terminal that keeps what is written. `env` is the whole environment. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { stdin = '', signal = new AbortController().signal } = {},
): Promise<Ran> {
  let [out, err] = ['', ''];
  const exitCode = await runCommand(
    args,
    {
      env: { HOME: '/nowhere', ...env },
      isTty: false,
      columns: 120,
      out: (text) => void (out += text),
      raw: (bytes) => void (out += Buffer.from(bytes).toString('latin1')),
      err: (text) => void (err += text),
      readStdin: () => Promise.resolve(stdin),
    },
    signal,
    () => Date.parse('2026-03-01T12:00:00Z'),
  );
  return { exitCode, out, err };
}
