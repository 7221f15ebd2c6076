import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Client } from '@openward/client';
import type { Name, WholePolicy } from '@openward/contracts';
import { admin, itemsOf, leaf, type Act, type Cli } from '../cli.ts';
import { parseNumber } from '../parse.ts';
import { accessOf } from '../settings.ts';
import { facts } from '../table.ts';
import { UsageError } from '../usage-error.ts';
import { policiesText } from '../views/catalogue.ts';
import { clinicalLines } from '../views/clinical.ts';
import { expiredText, NEXT_OF_EXPIRED } from '../views/policy.ts';
import { addPolicyAuthoring } from './policy-author.ts';
import { isFolder, namesFolder, readPolicyDir, writePolicyDir } from './policy-folder.ts';

export function addPolicies(cli: Cli, program: Command): void {
  const policy = program.command('policy').description('prompt policies: written, tested, registered and read');
  addPolicyAuthoring(cli, policy);
  leaf(cli, policy, 'push <folder>', 'check a policy and register its revision', pushPolicy);
  leaf(
    cli,
    policy,
    'pull <id> <folder>',
    'write a registered policy, ID or ID@REVISION, back as files into a new or empty folder',
    pullPolicy,
  );
  leaf(
    cli,
    policy,
    'list',
    'list registered policies, the newest revision of each first',
    admin(async (client, run, _args, { limit, id }) => {
      const found = await itemsOf(
        (listing) => client.policies.list({ ...listing, id: id as string | undefined }),
        limit,
      );
      run.show(found, () => policiesText(found));
    }),
  )
    .option('--id <id>', 'of this policy alone')
    .option('--limit <n>', 'at most as many');
  leaf(
    cli,
    policy,
    'show <folder|id> [revision]',
    'what a hospital reads of a policy: of a folder (./DIR), or of a registered one, the newest where no revision is given',
    (run, args, options) => (namesFolder(args[0] ?? '') ? showFolder : showRegistered)(run, args, options),
  );
}

/** Judged here before any address or token is asked for; the control plane judges it again. */
const pushPolicy: Act = async (run, [folder = ''], options) => {
  const { expiryOf, Refusal } = await import('@openward/contracts');
  const { checkPolicy, clinicalChanges, NO_SITE_TERMS, policyRefusal, visible } = await import('@openward/policy');
  const clock = (): number => performance.now();
  const checked = checkPolicy(await documentIn(folder), NO_SITE_TERMS, clock);
  if (checked.kind === 'refused') throw policyRefusal(checked.findings);
  if (expiryOf(checked.policy, run.now).state === 'expired') {
    throw new Refusal('policyInvalid', `${expiredText(checked.policy)} ${NEXT_OF_EXPIRED}`);
  }
  for (const line of clinicalLines(clinicalChanges(checked.policy, NO_SITE_TERMS, clock), visible)) run.note(line);
  const push = admin(async (client) => {
    const view = await client.policies.create(checked.policy);
    run.show(view, () => policiesText([view]));
  });
  return push(run, [folder], options);
};

/** The files are judged by what was registered before one of them is written: read again, they are the same policy. */
const pullPolicy = admin(async (client, run, [name = '', folder = '']) => {
  const [, id, revision] = /^([^@]*)(?:@(.*))?$/s.exec(name) ?? [];
  const found = await registered(client, id ?? '', revision === undefined ? null : parseNumber(revision, 'REVISION'));
  const { digestOf } = await import('@openward/contracts');
  const { readPolicyFolder, writePolicyFolder } = await import('@openward/policy');
  const read = readPolicyFolder(writePolicyFolder(found.document));
  if (read.kind === 'refused' || digestOf(read.document) !== found.digest) {
    throw new Error(`${found.id}@${found.revision} cannot be written as files that have its digest, ${found.digest}`);
  }
  const files = await writePolicyDir(folder, found.document);
  const { id: of, revision: at, digest } = found;
  run.show({ id: of, revision: at, digest, files }, () => files.map((path) => `${path}\n`).join(''));
  run.note(`It is ${of}@${at}, ${digest}. Next: \`openward policy test ${folder}\`; a change is the next revision.`);
});

/** One that is not finished can be read too: its shape alone is checked. */
const showFolder: Act = async (run, [folder = '', revision]) => {
  if (revision !== undefined) {
    throw new UsageError(`${folder} is a folder, and has one revision.`, 'Leave out the revision, or name an id.');
  }
  const { describePolicy, examineShape, policyRefusal, visible } = await import('@openward/policy');
  const { policy, findings } = examineShape(await documentIn(folder));
  if (policy === null) throw policyRefusal(findings);
  run.show(policy, () => `${facts([['folder', visible(resolve(folder))]])}\n${describePolicy(policy, null)}`);
};

async function documentIn(folder: string): Promise<unknown> {
  const read = await readPolicyDir(folder);
  if (read.kind === 'ok') return read.document;
  const { policyRefusal } = await import('@openward/policy');
  throw policyRefusal(read.findings);
}

const showRegistered = admin(async (client, run, [id = '', revision]) => {
  const found = await registered(client, id, revision === undefined ? null : parseNumber(revision, 'REVISION'));
  const { describePolicy } = await import('@openward/policy');
  run.show(found, () => {
    const head = facts([
      ['control plane', accessOf(run.terminal.env).url],
      ['policy', `${found.id}@${found.revision}`],
      ['digest', found.digest],
      ['registered', `${found.createdAt} by ${found.createdBy}`],
    ]);
    return `${head}\n${describePolicy(found.document, null)}`;
  });
});

async function registered(client: Client, id: Name, revision: number | null): Promise<WholePolicy> {
  if (revision !== null) return client.policies.get(id, revision);
  const [newest] = (await client.policies.list({ id, limit: 1 })).items;
  if (newest === undefined) {
    const folder = isFolder(id) ? ` The folder of that name is ./${id}.` : '';
    throw new UsageError(`There is no policy ${id}.${folder}`, '`openward policy list` shows what there is.');
  }
  return client.policies.get(id, newest.revision);
}
