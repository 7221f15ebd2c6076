import type { Command } from 'commander';
import { leaf, type Cli, type Run } from '../cli.ts';
import { openClient } from '../open-client.ts';
import { readText } from '../parse.ts';
import { checkUrl, readCa, writeCredentials } from '../settings.ts';
import { UsageError } from '../usage-error.ts';

export function addLogin(cli: Cli, program: Command): void {
  leaf(cli, program, 'login', 'keep an address and a token for later commands', async (run, _args, options) => {
    const { url: given, tokenFile, ca } = options as { url?: string; tokenFile?: string; ca?: string };
    const { env } = run.terminal;
    const url = checkUrl(given ?? env['OPENWARD_URL'] ?? (await ask(run, 'url')));
    const caPath = ca ?? env['OPENWARD_CA'];
    const pem = readCa(caPath);
    if (caPath?.startsWith('-----BEGIN') === true)
      throw new UsageError(
        'A login keeps the path of a CA file, and OPENWARD_CA holds a certificate.',
        'Give --ca FILE.',
      );
    const token = (
      tokenFile === undefined
        ? (env['OPENWARD_TOKEN'] ?? (await ask(run, 'token')))
        : await readText(tokenFile, run.terminal)
    ).trim();
    const client = await openClient({ url, token, ...(pem === undefined ? {} : { ca: pem }) });
    try {
      // Nothing is kept that does not work.
      const me = await client.me();
      const path = writeCredentials(env, { url, token, ...(caPath === undefined ? {} : { ca: caPath }) });
      run.show({ ...me, url, path }, () => `Logged in to ${url} as ${me.name} (${me.role}); kept in ${path}.\n`);
    } finally {
      client.close();
    }
  })
    .option('--url <url>', 'of the control plane')
    .option(
      '--token-file <file>',
      'that holds the token (- is standard input); an argument would show in lists of processes',
    )
    .option('--ca <file>', 'the network’s own certificate authority, PEM');
}

async function ask(run: Run, what: 'url' | 'token'): Promise<string> {
  if (!run.terminal.isTty || run.json) {
    throw what === 'url'
      ? new UsageError('No address is given.', 'Give --url, or set OPENWARD_URL.')
      : new UsageError('No token is given.', 'Give --token-file FILE (- is standard input), or set OPENWARD_TOKEN.');
  }
  const { text, password, isCancel } = await import('@clack/prompts');
  const answer =
    what === 'url'
      ? await text({ message: 'Address of the control plane', placeholder: 'https://openward.example.org' })
      : await password({ message: 'Access token' });
  if (isCancel(answer) || answer === '') throw new UsageError('Nothing was given.', 'Run it again.');
  return answer;
}
