import type { Command } from 'commander';
import { admin, collect, itemsOf, leaf, type Cli } from '../cli.ts';
import { parseLabels, parseNumber, parseRate } from '../parse.ts';
import { table } from '../table.ts';
import { orDash } from '../words.ts';
import { nodesText, nodeText, sitesText } from '../views/catalogue.ts';

export function addSites(cli: Cli, program: Command): void {
  const sites = program.command('sites').description('partner hospitals');
  leaf(
    cli,
    sites,
    'list',
    'list sites',
    admin(async (client, run, _args, { limit }) => {
      const found = await itemsOf((listing) => client.sites.list(listing), limit);
      run.show(found, () => sitesText(found));
    }),
  ).option('--limit <n>', 'at most as many');
  leaf(
    cli,
    sites,
    'show <site>',
    'show a site and its nodes',
    admin(async (client, run, [name = '']) => {
      const site = await client.sites.get(name);
      const nodes = await itemsOf((listing) => client.nodes.list({ ...listing, site: name }), undefined);
      run.show({ ...site, nodes }, () => `${sitesText([site])}\n${nodesText(nodes, run.now)}`);
    }),
  );
  leaf(
    cli,
    sites,
    'add <site>',
    'add a site',
    admin(async (client, run, [name = ''], options) => {
      const { tier, label, language, timeZone, link } = options;
      const site = await client.sites.create({
        name,
        tier: tier as 'referral',
        labels: parseLabels(label as string[]),
        ...((language as string[]).length === 0 ? {} : { languages: language as string[] }),
        ...(timeZone === undefined ? {} : { timeZone: timeZone as string }),
        ...(link === undefined ? {} : { linkBytesPerSecond: parseRate(link as string) }),
      });
      run.show(site, () => sitesText([site]));
    }),
  )
    .requiredOption('--tier <tier>', 'referral, district or primary')
    .option('--label <name=value>', 'a label that rollouts can select by; may be repeated', collect, [])
    .option('--language <tag>', 'a language spoken there; may be repeated', collect, [])
    .option('--time-zone <zone>', 'for its windows, such as Africa/Nairobi')
    .option('--link <rate>', 'what its line carries in a second: 4Mbit, 500kB');
  leaf(
    cli,
    sites,
    'token <site>',
    'make a token that enrols one node of a site; it is shown once',
    admin(async (client, run, [site = ''], { lifetimeMinutes }) => {
      const lifetime = lifetimeMinutes as string | undefined;
      const made = await client.sites.createToken(
        site,
        lifetime === undefined ? {} : { lifetimeMinutes: parseNumber(lifetime, '--lifetime-minutes') },
      );
      // Alone on standard output, so that it can go into `openward node enrol` without a copy.
      run.show(made, () => `${made.token}\n`);
      run.note(`Good for one node of ${site} until ${made.expiresAt}; it is not shown again.`);
    }),
  ).option('--lifetime-minutes <n>', 'how long it can be used (a day)');
  leaf(
    cli,
    sites,
    'tokens <site>',
    'list a site’s enrolment tokens, without their secrets',
    admin(async (client, run, [site = '']) => {
      const tokens = await itemsOf((listing) => client.sites.tokens(site, listing), undefined);
      run.show(tokens, () =>
        table(
          ['token', 'created', 'expires', 'used by', 'used'],
          tokens.map(({ id, createdAt, expiresAt, usedBy, usedAt }) => [
            id,
            createdAt,
            expiresAt,
            orDash(usedBy),
            orDash(usedAt),
          ]),
        ),
      );
    }),
  );
}

export function addNodes(cli: Cli, program: Command): void {
  const nodes = program.command('nodes').description('edge agents, as they last reported');
  leaf(
    cli,
    nodes,
    'list',
    'list nodes',
    admin(async (client, run, _args, { limit, site }) => {
      const found = await itemsOf(
        (listing) => client.nodes.list({ ...listing, site: site as string | undefined }),
        limit,
      );
      run.show(found, () => nodesText(found, run.now));
    }),
  )
    .option('--site <site>', 'of this site alone')
    .option('--limit <n>', 'at most as many');
  leaf(
    cli,
    nodes,
    'show <node>',
    'show a node',
    admin(async (client, run, [name = '']) => {
      const node = await client.nodes.get(name);
      run.show(node, () => nodeText(node, run.now));
    }),
  );
  leaf(
    cli,
    nodes,
    'revoke <node>',
    'cut a node off: its keys are let in nowhere any more',
    admin(async (client, run, [name = ''], { reason }) => {
      const node = await client.nodes.revoke(name, reason as string);
      run.show(node, () => `${name} is revoked. To come back it enrols again, with a new token.\n`);
    }),
  ).requiredOption('--reason <text>', 'kept in the audit log');
}
