import { spawn } from 'node:child_process';
import type { Offer } from '@openward/activation';
import { until } from '@openward/testkit';
import { CLI, type SiteWorld } from './harness/index.ts';
import { note, typed } from './print.ts';

// What a person at a hospital does in the demo, by the commands that a person would type.

/** Prints the command, runs it, and prints some lines of what it says: the first, or those from one that begins so. */
export async function type(site: SiteWorld, args: readonly string[], lines = 0, from = ''): Promise<string> {
  typed(
    site.name,
    ['openward', 'node', ...args].map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(' '),
  );
  const said = await runCli(['node', ...args], { OPENWARD_NODE_DATA: site.dataDir });
  const all = said.trimEnd().split('\n');
  const first = Math.max(0, from === '' ? 0 : all.findIndex((text) => text.startsWith(from)));
  for (const text of all.slice(first, first + lines)) note(text);
  return said;
}

function runCli(args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`openward ${args.join(' ')} ended with ${code}: ${err}${out}`)),
    );
  });
}

/** Waits until a person of this site is asked this about a release of this number. */
export function asked(
  site: SiteWorld,
  number: number,
  question: NonNullable<Offer['question']>,
  within = 60_000,
): Promise<Offer> {
  return until(
    async () => {
      const { items } = await site.local<{ items: Offer[] }>('GET', '/offers');
      return items.find((offer) => offer.number === number && offer.question === question);
    },
    { within, every: 100, what: `${site.name} is asked to ${question} release ${number}` },
  );
}

/** A site without a standing rule is asked twice: before anything is fetched, and after it has seen its own result. */
export async function acceptTwice(site: SiteWorld, number: number, suite?: 'suiteToo'): Promise<void> {
  const { service, suite: offered } = await asked(site, number, 'prepare');
  if (suite === 'suiteToo') await type(site, ['suites', 'accept', offered.digest]);
  await type(site, ['accept', service]);
  const { gate } = await asked(site, number, 'activate');
  note(`its own result: ${gate?.verdict} (${gate?.reason})`);
  await type(site, ['accept', service]);
}
