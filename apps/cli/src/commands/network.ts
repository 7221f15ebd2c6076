import type { Command } from 'commander';
import { admin, itemsOf, leaf, type Cli } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { facts, table } from '../table.ts';
import { findingsText } from '../views/findings.ts';

const MOST_SHOWN = 80;
/** All of it is there with `--json`. */
function shortened(details: unknown): string {
  const text = details === null || details === undefined ? '-' : JSON.stringify(forPeople(details));
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
}

/** Waves count from 1 wherever a person reads one, and from 0 in JSON. */
const forPeople = (details: unknown): unknown =>
  typeof details === 'object' && details !== null && 'wave' in details && typeof details.wave === 'number'
    ? { ...details, wave: details.wave + 1 }
    : details;

export function addNetwork(cli: Cli, program: Command): void {
  leaf(
    cli,
    program,
    'audit',
    'what was decided, by whom, the newest first',
    admin(async (client, run, _args, { subject, limit = '50' }) => {
      const entries = await itemsOf(
        (listing) => client.audit.list({ ...listing, subject: subject as string | undefined }),
        limit,
      );
      run.show(entries, () =>
        table(
          ['id', 'at', 'who', 'did', 'to', 'details'],
          entries.map(({ id, at, actor, action, subject: to, details }) => [
            String(id),
            at,
            actor,
            action,
            to,
            shortened(details),
          ]),
        ),
      );
    }),
  )
    .option('--subject <name>', 'about this alone, such as a rollout or a node')
    .option('--limit <n>', 'at most as many (50)');
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
        ...(days === undefined ? {} : { lifetimeDays: Number(days) }),
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
