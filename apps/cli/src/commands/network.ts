import type { Client } from '@openward/client';
import type { AuditEntry } from '@openward/contracts';
import type { Command } from 'commander';
import { admin, itemsOf, leaf, type Cli } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCount } from '../parse.ts';
import { facts, table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { findingsText } from '../views/findings.ts';

/** Whole, in lines that a terminal holds; on one line where it is not a person's. */
function detailLines(details: unknown, room: number): string[] {
  if (details === null || details === undefined) return ['-'];
  const text = JSON.stringify(forPeople(details));
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += room) lines.push(text.slice(at, at + room));
  return lines;
}

const LEAST_ROOM = 40;

function auditText(entries: readonly AuditEntry[], { isTty, columns }: Terminal): string {
  const head = ['id', 'at', 'who', 'did', 'to', 'details'];
  const rows = entries.map(({ id, at, actor, action, subject: to }) => [String(id), at, actor, action, to]);
  const widths = head.slice(0, -1).map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const used = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = isTty ? Math.max(LEAST_ROOM, columns - used) : Number.POSITIVE_INFINITY;
  const lined = entries.flatMap(({ details }, index) =>
    detailLines(details, room).map((line, at) => [
      ...(at === 0 ? (rows[index] ?? []) : rows[index]!.map(() => '')),
      line,
    ]),
  );
  return table(head, lined);
}

/** The newest that is not newer: of a number that a list named, that entry. */
async function entryOf(client: Client, id: number): Promise<AuditEntry> {
  const { items } = await client.audit.list({ limit: 1, after: String(id + 1) });
  const [entry] = items;
  if (entry?.id === id) return entry;
  throw new UsageError(`There is no audit entry ${id}.`, 'See `openward audit`: its first column.');
}

/** Waves count from 1 wherever a person reads one, and from 0 in JSON. */
const forPeople = (details: unknown): unknown =>
  typeof details === 'object' && details !== null && 'wave' in details && typeof details.wave === 'number'
    ? { ...details, wave: details.wave + 1 }
    : details;

export function addNetwork(cli: Cli, program: Command): void {
  const audit = leaf(
    cli,
    program,
    'audit',
    'what was decided, by whom, the newest first',
    admin(async (client, run, _args, { subject, limit = '50' }) => {
      const entries = await itemsOf(
        (listing) => client.audit.list({ ...listing, subject: subject as string | undefined }),
        limit,
      );
      run.show(entries, () => auditText(entries, run.terminal));
    }),
  )
    .option('--subject <name>', 'about this alone: a rollout, node, site or other by its name, or as listed under TO')
    .option('--limit <n>', 'at most as many (50)');
  leaf(
    cli,
    audit,
    'show <id>',
    'show one entry, with each of its details',
    admin(async (client, run, [id = '']) => {
      const entry = await entryOf(client, parseCount(id, 'ID'));
      const { at, actor, action, subject, details } = entry;
      run.show(entry, () =>
        [
          facts([
            ['id', String(entry.id)],
            ['at', at],
            ['who', actor],
            ['did', action],
            ['to', subject],
          ]),
          details === null || details === undefined ? '' : `\n${JSON.stringify(forPeople(details), null, 2)}\n`,
        ].join(''),
      );
    }),
  );
  leaf(
    cli,
    program,
    'doctor',
    'what waits or is wrong, since when, and who can clear it',
    admin(async (client, run) => {
      const view = await client.doctor();
      run.show(view, () =>
        [
          facts([
            ['control plane', `${client.url}, version ${view.version}, protocol ${view.protocol}, epoch ${view.epoch}`],
          ]),
          '\n',
          findingsText(view.findings, run.now, run.paint),
        ].join(''),
      );
      return view.findings.some(({ level }) => level === 'problem') ? EXIT.problemFound : EXIT.ok;
    }),
  );
  const epoch = program.command('epoch').description('after a backup was restored');
  leaf(
    cli,
    epoch,
    'open',
    'what the control plane holds is the truth again, and read-only ends',
    admin(async (client, run, _args, { reason }) => {
      const opened = await client.openEpoch(reason as string);
      run.show(opened, () => `Epoch ${opened.epoch} is open.\n`);
    }),
  ).requiredOption('--reason <text>', 'kept in the audit log');
  addAccess(cli, program);
}

function addAccess(cli: Cli, program: Command): void {
  const access = program.command('access').description('tokens of admins and auditors');
  leaf(
    cli,
    access,
    'list',
    'list access tokens, without their secrets',
    admin(async (client, run) => {
      const tokens = await itemsOf((listing) => client.accessTokens.list(listing), undefined);
      run.show(tokens, () =>
        table(
          ['name', 'role', 'expires', 'revoked'],
          tokens.map(({ name, role, expiresAt, revokedAt }) => [name, role, expiresAt, revokedAt ?? '-']),
        ),
      );
    }),
  );
  leaf(
    cli,
    access,
    'add <name>',
    'make an access token; it is shown once',
    admin(async (client, run, [name = ''], { role, days }) => {
      const made = await client.accessTokens.create({
        name,
        role: role as 'admin',
        ...(days === undefined ? {} : { lifetimeDays: parseCount(days as string, '--days') }),
      });
      run.show(made, () => `${made.token}\n`);
      run.note(`Good for ${made.name} (${made.role}) until ${made.expiresAt}; it is not shown again.`);
    }),
  )
    .requiredOption('--role <role>', 'admin or auditor')
    .option('--days <n>', 'how long it is good (90)');
  leaf(
    cli,
    access,
    'revoke <name>',
    'revoke an access token',
    admin(async (client, run, [name = '']) => {
      await client.accessTokens.revoke(name);
      run.show({ revoked: name }, () => `${name} is revoked.\n`);
    }),
  );
}
