import { runCommand } from './program.ts';
import { processTerminal } from './terminal.ts';

const interrupted = new AbortController();
// The first Ctrl-C ends in order; a second one at once.
process.once('SIGINT', () => interrupted.abort());
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `openward audit | head`: nobody reads on, which is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await runCommand(process.argv.slice(2), processTerminal(), interrupted.signal);
