import { Command } from 'commander';
import type { Client, NodeClient } from '@openward/client';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { openClient } from './open-client.ts';
import { parseCount } from './parse.ts';
import { accessOf, dataDirOf } from './settings.ts';
import { paintFor, type Paint, type Terminal } from './terminal.ts';

/** What a command has at hand while it runs. */
export interface Run {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly paint: Paint;
  readonly now: number;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** The answer: a table for people, or the value itself with `--json`. */
  show(value: unknown, forPeople: () => string): void;
  /** A line beside the answer, on standard error; none with `--json`. */
  note(line: string): void;
}

export type Options = Readonly<Record<string, unknown>>;
/** Arguments in their order. Resolves with an exit code where it is not 0. */
export type Act = (run: Run, args: readonly string[], options: Options) => Promise<ExitCode | void>;

export interface Cli {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly clock: () => number;
  exitCode: ExitCode;
}

/** A command that does something. `--json` and, for those of a node, `--data` belong to each. */
export function leaf(cli: Cli, parent: Command, usage: string, description: string, act: Act): Command {
  const command = parent.command(usage).description(description).option('--json', 'print JSON for scripts');
  return command.action(async (...given: unknown[]) => {
    // A command beside its own subcommands takes their `--json` and `--data` too.
    const options = command.optsWithGlobals<Options>();
    const json = options['json'] === true;
    const { terminal } = cli;
    const run: Run = {
      terminal,
      json,
      paint: paintFor(terminal),
      now: cli.clock(),
      signal: cli.signal,
      show: (value, forPeople) => terminal.out(json ? `${JSON.stringify(value, null, 2)}\n` : forPeople()),
      note: (line) => {
        if (!json) terminal.err(`${line}\n`);
      },
    };
    const args = given.slice(0, -2).flat() as string[];
    cli.exitCode = (await act(run, args, options)) ?? EXIT.ok;
  });
}

/** A command of a network admin or auditor. The client is loaded when it runs, so that `--help` is fast. */
export const admin =
  (act: (client: Client, ...rest: Parameters<Act>) => ReturnType<Act>): Act =>
  async (run, args, options) => {
    const access = accessOf(run.terminal.env);
    const client = await openClient(access);
    try {
      return await act(client, run, args, options);
    } finally {
      client.close();
    }
  };

/** A command on a node, over the socket in its data folder. */
export const onNode =
  (act: (node: NodeClient, ...rest: Parameters<Act>) => ReturnType<Act>): Act =>
  async (run, args, options) => {
    const dir = dataDirOf(options['data'] as string | undefined, run.terminal.env);
    const { createNodeClient } = await import('@openward/client');
    const node = createNodeClient(dir);
    try {
      return await act(node, run, args, options);
    } finally {
      node.close();
    }
  };

/** A leaf that takes `--data`. */
export const nodeLeaf = (...given: Parameters<typeof leaf>): Command =>
  leaf(...given).option('--data <dir>', 'data folder of the node (or OPENWARD_NODE_DATA)');

/** For an option that may be given more than once. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** Every item of a list, or the first `--limit` of them. */
export async function itemsOf<T>(
  list: (listing: { readonly limit: number; readonly after?: string | undefined }) => Promise<{
    readonly items: readonly T[];
    readonly next: string | null;
  }>,
  limit: unknown,
): Promise<T[]> {
  const most = limit === undefined ? Number.POSITIVE_INFINITY : parseCount(limit as string, '--limit');
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page = await list({ limit: Math.max(1, Math.min(200, most - items.length)), after });
    items.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined && items.length < most);
  return items.slice(0, most);
}
