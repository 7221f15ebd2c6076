import type { Command } from 'commander';
import type { Disclosure, NodeClient } from '@openward/client';
import { nodeLeaf as leaf, onNode, type Cli } from '../cli.ts';
import { parseNumber } from '../parse.ts';
import { disclosuresText, keysText, summaryText } from '../views/node.ts';

export function addDisclosures(cli: Cli, node: Command): void {
  const disclosures = leaf(
    cli,
    node,
    'disclosures',
    'everything that ever left this site, from its ledger',
    onNode(async (client, run, _args, { summary, show, after, limit }) => {
      if (summary === true) {
        const kinds = await client.summary();
        return run.show(kinds, () => summaryText(kinds));
      }
      if (show !== undefined) {
        const row = await rowOf(client, parseNumber(show as string, '--show'));
        if (run.json) return run.show(row, () => '');
        // The very bytes, with nothing added: they can be hashed, or compared with what was recorded on the line.
        return run.terminal.raw(Buffer.from(row.bytes, 'base64'));
      }
      const from = after === undefined ? 0 : parseNumber(after as string, '--after');
      const most = limit === undefined ? Number.POSITIVE_INFINITY : parseNumber(limit as string, '--limit');
      const rows = after === undefined ? await newestRows(client, most) : await rowsAfter(client, from, most);
      run.show(rows, () => disclosuresText(rows));
    }),
  )
    .option('--summary', 'how many messages and bytes, by kind')
    .option('--show <seq>', 'the exact bytes of one')
    .option('--after <seq>', 'only later ones, from there on')
    .option('--limit <n>', 'at most as many: the newest, or after --after the next');
  leaf(
    cli,
    disclosures,
    'acknowledge',
    'after the data folder was restored from a snapshot: send again',
    onNode(async (client, run, _args, { reason }) => {
      await client.command({ kind: 'acknowledgeLedger', reason: reason as string });
      run.show({ done: true }, () => 'Acknowledged: this node sends again. The reason is kept here, in its ledger.\n');
    }),
  ).requiredOption('--reason <text>', 'why the ledger is behind what the network has; it stays here');
}

async function rowOf(client: NodeClient, seq: number): Promise<Disclosure> {
  const { items } = await client.disclosures({ after: Math.max(0, seq - 1), limit: 1 });
  const row = items.find((it) => it.seq === seq);
  if (row !== undefined) return row;
  const { Refusal } = await import('@openward/contracts');
  throw new Refusal('notFound', `The ledger has no row ${seq}.`);
}

/** In order, the oldest of them first; all where `most` is no limit. */
async function newestRows(client: NodeClient, most: number): Promise<Disclosure[]> {
  if (!Number.isFinite(most)) return rowsAfter(client, 0, most);
  const { newest } = await client.disclosures({ after: 0, limit: 1 });
  if (newest === null) return (await rowsAfter(client, 0, Number.POSITIVE_INFINITY)).slice(-most);
  return rowsAfter(client, Math.max(0, newest - most), most);
}

async function rowsAfter(client: NodeClient, from: number, most: number): Promise<Disclosure[]> {
  const rows: Disclosure[] = [];
  let after: number | null = from;
  while (after !== null && rows.length < most) {
    const page = await client.disclosures({ after, limit: Math.min(1000, most - rows.length) });
    rows.push(...page.items);
    after = page.next;
  }
  return rows;
}

export function addKeys(cli: Cli, node: Command): void {
  const keys = node.command('keys').description('API keys of applications, for this node’s gateway');
  leaf(
    cli,
    keys,
    'list',
    'list them, without their secrets',
    onNode(async (client, run) => {
      const found = await client.keys();
      run.show(found, () => keysText(found, run.now));
    }),
  );
  leaf(
    cli,
    keys,
    'add <application>',
    'make a key; it is shown once',
    onNode(async (client, run, [application = '']) => {
      const made = await client.addKey(application);
      run.show(made, () => `${made.key}\n`);
      run.note(`The key ${made.id} of ${made.application}; it is not shown again.`);
    }),
  );
  leaf(
    cli,
    keys,
    'revoke <id>',
    'let a key in no more',
    onNode(async (client, run, [id = '']) => {
      await client.revokeKey(id);
      run.show({ revoked: id }, () => `${id} is revoked.\n`);
    }),
  );
}
