import { Command, CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import { addLogin } from './commands/login.ts';
import { addNetwork } from './commands/network.ts';
import { addPolicies } from './commands/policies.ts';
import { addModels, addReleases, addServices, addSuites } from './commands/registry.ts';
import { addRollouts } from './commands/rollouts.ts';
import { addNodes, addSites } from './commands/sites.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { addNode } from './node/node-commands.ts';
import { errorLines, tellError } from './report-error.ts';
import type { Terminal } from './terminal.ts';

/** Every command, its options and what it does. */
export function buildProgram(cli: Cli): Command {
  const program = new Command('openward')
    .description('Rolls open-model releases out to partner hospitals, through gates.')
    .configureOutput({
      writeOut: (text) => cli.terminal.out(text),
      writeErr: (text) => cli.terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'openward: ')),
    })
    .exitOverride()
    .showHelpAfterError('  next: See the same command with --help.')
    .addHelpText(
      'after',
      '\nScripts set OPENWARD_URL, OPENWARD_TOKEN and OPENWARD_CA, and OPENWARD_NODE_DATA on a node.\n' +
        'Exit codes: 0 ok, 1 refused or failed, 2 usage, 3 not reachable, 4 not authorised, 5 the rollout ended badly, 6 a problem was found, ' +
        '7 the policy has expired.',
    );
  addLogin(cli, program);
  for (const add of [addSites, addNodes, addServices, addModels, addSuites, addPolicies, addReleases, addRollouts])
    add(cli, program);
  addNetwork(cli, program);
  addNode(cli, program);
  return program;
}

/** Runs one command line, without the program's name. Resolves with the exit code and never rejects. */
export async function runCommand(
  args: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
  clock: () => number = () => Date.now(),
): Promise<ExitCode> {
  const cli: Cli = { terminal, signal, clock, exitCode: EXIT.ok };
  try {
    await buildProgram(cli).parseAsync([...args], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (signal.aborted) return EXIT.interrupted;
    return report(error, args.includes('--json'), terminal);
  }
}

function report(error: unknown, json: boolean, terminal: Terminal): ExitCode {
  const told = tellError(error);
  const { exitCode, ...body } = told;
  terminal.err(json ? `${JSON.stringify(body)}\n` : `${errorLines(told).join('\n')}\n`);
  if (terminal.env['OPENWARD_DEBUG'] && error instanceof Error) terminal.err(`${error.stack}\n`);
  return exitCode;
}
