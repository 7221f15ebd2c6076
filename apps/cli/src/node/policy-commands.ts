import type { Command } from 'commander';
import type { NodeClient, NodePolicyChange } from '@openward/client';
import { nodeLeaf as leaf, onNode, type Cli, type Run } from '../cli.ts';
import { parseNumber, parseUntil } from '../parse.ts';
import { UsageError } from '../usage-error.ts';
import {
  alsoTakesLines,
  hitsText,
  notToldLines,
  offerReadText,
  refusedOfferLines,
  settingsText,
  shadowsText,
} from '../views/node-policy.ts';

// What people of a site read and decide of policies. All of it works with no network, but for reading an offer of which nothing is
// here yet.

export function addOfferShow(cli: Cli, offers: Command): void {
  leaf(
    cli,
    offers,
    'show <service>',
    'what a release brings, each rule of its policy in plain text, and what changes here. Before the first answer nothing of a ' +
      'release is here: then its document is fetched, a few kilobytes, and nothing else',
    onNode(async (client, run, [service = '']) => {
      const read = await client.offer(service);
      if (read.fetched) run.note('Its release document was fetched for this, and nothing else of it.');
      const { visible } = await import('@openward/policy');
      run.show(read, () => offerReadText(read, run.paint, visible));
    }),
  );
}

export function addPolicy(cli: Cli, node: Command): void {
  const policy = node
    .command('policy')
    .description('this site’s own words in every policy, and what policies did here');
  leaf(
    cli,
    policy,
    'terms',
    'what the site has set, what it could, and what was refused here',
    onNode(async (client, run) => {
      const found = await client.policies();
      const { visible } = await import('@openward/policy');
      run.show(found, () => settingsText(found, visible));
    }),
  );
  leaf(
    cli,
    policy,
    'set <name> [value]',
    'the site’s own value of a variable: its emergency number, say',
    onNode(async (client, run, [name = '', value], options) => {
      const own = oneOf(value, options['default'] === true, 'VALUE', '--default');
      if (own?.trim() === '')
        throw new UsageError(
          'An empty value would leave a hole where callers look for it.',
          'Give VALUE, or --default to take each policy’s own default again.',
        );
      await change(
        client,
        run,
        { kind: 'setVariable', name, value: own },
        `${name} is ${own ?? 'each policy’s default'}.`,
      );
    }),
  ).option('--default', 'take each policy’s own default again');
  leaf(
    cli,
    policy,
    'record-number [pattern]',
    'the form of medical record numbers here, in RE2 syntax',
    onNode(async (client, run, [pattern], { none }) => {
      const own = oneOf(pattern, none === true, 'PATTERN', '--none');
      if (own?.trim() === '')
        throw new UsageError('An empty pattern says no form.', 'Give PATTERN, or --none to look for none.');
      const said = own === null ? 'Record numbers are not looked for.' : `Record numbers look like ${own}.`;
      await change(client, run, { kind: 'setRecordNumber', pattern: own }, said);
    }),
  ).option('--none', 'look for none');
  leaf(
    cli,
    policy,
    'on-expiry <choice>',
    'what a service does whose policy has expired: go-on, or fallback',
    onNode(async (client, run, [choice = '']) => {
      const chosen = { 'go-on': 'goOn', fallback: 'fallback' } as const;
      if (choice !== 'go-on' && choice !== 'fallback')
        throw new UsageError(`${choice} is no choice.`, 'Say go-on or fallback.');
      const said = choice === 'go-on' ? 'goes on' : 'gives callers its fallback text';
      await change(
        client,
        run,
        { kind: 'setOnExpiry', choice: chosen[choice] },
        `A service whose policy has expired ${said}.`,
      );
    }),
  );
  leaf(
    cli,
    policy,
    'hits <service>',
    'how often each rule hit, by day. Counts, which stay here',
    onNode(async (client, run, [service = ''], { shadow }) => {
      const all = await client.policyHits(service);
      const hits = shadow === true ? all.filter(({ mode }) => mode !== 'enforce') : all;
      run.show(hits, () => hitsText(hits));
    }),
  ).option('--shadow', 'only what rules in shadow would have done');
}

export function addShadow(cli: Cli, node: Command): void {
  const shadow = node
    .command('shadow')
    .description('let the rules of the next policy run beside: they change nothing, and are counted here alone');
  leaf(
    cli,
    shadow,
    'start <service>',
    'for the release that waits here, fetched and checked; it ends at its date, or when the release serves or waits no more',
    onNode(async (client, run, [service = ''], { until, by, release }) => {
      const started = await client.startShadow({
        service,
        until: parseEnd(until as string, run.now),
        by: by as string,
        ...(release === undefined ? {} : { release: parseNumber(release as string, '--release') }),
      });
      run.show(started, () => shadowsText([started]));
    }),
  )
    .requiredOption('--until <time>', '2026-03-31 (its end, UTC), 2026-03-31T08:00Z, or +7d; 30 days at most')
    .requiredOption('--by <name>', 'who lets it run; it stays here')
    .option('--release <n>', 'the release that is meant');
  leaf(
    cli,
    shadow,
    'stop <service>',
    'end it now',
    onNode(async (client, run, [service = '']) => {
      await client.stopShadow(service);
      run.show({ done: true }, () => `${service}: nothing runs in shadow any more. Its counts stay.\n`);
    }),
  );
  leaf(
    cli,
    shadow,
    'status',
    'what runs, what ran, and by whose leave',
    onNode(async (client, run) => {
      const found = await client.shadows();
      run.show(found, () => shadowsText(found));
    }),
  );
}

/** A day alone is meant whole. */
const parseEnd = (text: string, now: number): number =>
  parseUntil(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59.999Z` : text, now);

/** Null where the option was given: one of the two is needed. */
function oneOf(value: string | undefined, isCleared: boolean, what: string, option: string): string | null {
  if ((value === undefined) === isCleared) return value ?? null;
  throw new UsageError(`Give ${what} or ${option}.`, 'See the same command with --help.');
}

async function change(
  client: Pick<NodeClient, 'changePolicies'>,
  run: Run,
  wanted: NodePolicyChange,
  said: string,
): Promise<void> {
  const { unread, alsoTakes, notToldBy, refusedOffers } = await client.changePolicies(wanted);
  const { visible } = await import('@openward/policy');
  for (const { service, number } of unread)
    run.note(`${service} release ${number} cannot be read from this disk: it was not checked with that.`);
  for (const line of alsoTakesLines(alsoTakes)) run.note(line);
  const name = wanted.kind === 'setVariable' ? wanted.name : '';
  for (const line of [...notToldLines(name, notToldBy, visible), ...refusedOfferLines(refusedOffers, visible)])
    run.note(line);
  run.show({ done: true, unread, alsoTakes, notToldBy, refusedOffers }, () => `${said} It holds from now on.\n`);
}
