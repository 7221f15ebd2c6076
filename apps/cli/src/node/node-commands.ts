import type { Command } from 'commander';
import type { NodeRules } from '@openward/client';
import { nodeLeaf as leaf, onNode, type Cli, type Run } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { parseNumber, readJson, readText } from '../parse.ts';
import { dataDirOf } from '../settings.ts';
import { UsageError } from '../usage-error.ts';
import { findingsText } from '../views/findings.ts';
import { nodeSuitesText, rulesText, statusText } from '../views/node.ts';
import { addAnswers } from './answer-commands.ts';
import { addData } from './data-commands.ts';
import { addDisclosures, addKeys } from './ledger-commands.ts';
import { addPolicy, addShadow } from './policy-commands.ts';
import { watchStatus } from './watch-status.ts';

/** Hospital IT's commands. They work with no network (N5). */
export function addNode(cli: Cli, program: Command): void {
  const node = program
    .command('node')
    .description('on a node: what hospital IT does, over a socket in its data folder');
  addProcess(cli, node);
  leaf(
    cli,
    node,
    'status',
    'what is served, what is fetched, what the network is told',
    onNode(async (client, run, _args, { watch }) => {
      if (watch === true) return watchStatus(client, run);
      const status = await client.status();
      run.show(status, () => statusText(status, run.paint));
      return EXIT.ok;
    }),
  ).option('--watch', 'go on until Ctrl-C, with a bar for each fetch');
  leaf(
    cli,
    node,
    'doctor',
    'what waits here, who can clear it, and which fences hold',
    onNode(async (client, run) => {
      const findings = await client.doctor();
      run.show(findings, () => findingsText(findings, run.now, run.paint));
      return findings.some(({ level }) => level === 'problem') ? EXIT.problemFound : EXIT.ok;
    }),
  );
  addData(cli, node);
  addSuites(cli, node);
  addRules(cli, node);
  addAnswers(cli, node);
  addBrakes(cli, node);
  addPolicy(cli, node);
  addShadow(cli, node);
  addDisclosures(cli, node);
  addKeys(cli, node);
}

function addProcess(cli: Cli, node: Command): void {
  leaf(cli, node, 'enrol', 'join a network, with a token of a network admin', async (run, _args, options) => {
    const { tokenFile = '-', node: name = '', data } = options as { tokenFile?: string; node?: string; data?: string };
    const dataDir = dataDirOf(data, run.terminal.env);
    const token = (await readText(tokenFile, run.terminal)).trim();
    const { enrolAgent } = await import('./agent-process.ts');
    const enrolled = await enrolAgent(dataDir, name, token);
    run.show(
      enrolled,
      () => `${enrolled.node} is enrolled at ${enrolled.site}. Start it with: openward node run --data ${dataDir}\n`,
    );
  })
    .requiredOption('--node <name>', 'name of this node in the network')
    .option('--token-file <file>', 'that holds the token; standard input where it is not given');
  leaf(cli, node, 'run', 'run the agent until it is stopped', async (run, _args, { data }) => {
    const { runAgent } = await import('./agent-process.ts');
    return runAgent(dataDirOf(data as string | undefined, run.terminal.env));
  });
}

function addSuites(cli: Cli, node: Command): void {
  const suites = node
    .command('suites')
    .description('suites of offered releases; one may read your records once it is accepted');
  leaf(
    cli,
    suites,
    'list',
    'list them',
    onNode(async (client, run) => {
      const found = await client.suites();
      run.show(found, () => nodeSuitesText(found));
    }),
  );
  leaf(
    cli,
    suites,
    'accept <digest>',
    'let this suite, by its digest, be run here',
    onNode(async (client, run, [suite = '']) => {
      await client.command({ kind: 'acceptSuite', suite });
      done(run, `The suite ${suite} is accepted here.`);
    }),
  );
}

function addRules(cli: Cli, node: Command): void {
  const rules = node.command('rules').description('what may go on here without a person');
  leaf(
    cli,
    rules,
    'show',
    'show the standing rules',
    onNode(async (client, run) => {
      const found = await client.rules();
      run.show(found, () => rulesText(found));
    }),
  );
  leaf(
    cli,
    rules,
    'set <file>',
    'replace them by those of a JSON file (- is standard input)',
    onNode(async (client, run, [file = '']) => {
      const { NodeRules: Rules } = await import('@openward/client');
      const { wordsOfIssue } = await import('@openward/contracts');
      const parsed = Rules.safeParse(await readJson(file, run.terminal));
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new UsageError(
          `${file}: ${issue?.path.length ? `\`${issue.path.join('.')}\`: ` : ''}${issue === undefined ? 'it has another form' : wordsOfIssue(issue)}.`,
          'A file without any rule is {"prepare":[],"activate":[]}; docs/cli.md shows one with rules.',
        );
      }
      const wanted: NodeRules = parsed.data;
      await client.command({ kind: 'setRules', rules: wanted });
      run.show(wanted, () => rulesText(wanted));
    }),
  );
}

const BRAKES = {
  halt: ['stop a service at once; nothing on the network lifts it', 'halted; callers get its fallback text'],
  resume: ['let a halted service serve again', 'resumed'],
  rollback: ['go back to the last good release, without a download, and pin it', 'gone back, and pinned'],
  pin: ['keep what serves, whatever the network wants', 'pinned'],
  unpin: ['follow the network again', 'not pinned any more'],
} as const;

/** How the release that the service has is named. */
const NOW: Readonly<Record<keyof typeof BRAKES, string>> = {
  halt: 'is held back',
  resume: 'serves again',
  rollback: 'is what it goes back to',
  pin: 'stays',
  unpin: 'serves until the network says otherwise',
};

function addBrakes(cli: Cli, node: Command): void {
  for (const kind of Object.keys(BRAKES) as (keyof typeof BRAKES)[]) {
    const command = leaf(
      cli,
      node,
      `${kind} <service>`,
      BRAKES[kind][0],
      onNode(async (client, run, [service = ''], { release }) => {
        const to = release === undefined ? {} : { to: parseNumber(release as string, '--release') };
        const { serves, wasHalted } = await client.command(
          kind === 'rollback' ? { kind, service, ...to } : { kind, service },
        );
        const what = serves === null ? '' : `; release ${serves.number} ${NOW[kind]}`;
        if (kind === 'resume' && !wasHalted)
          return run.show(
            { done: true, serves, wasHalted },
            () =>
              `${service} was not halted, and nothing has changed${serves === null ? '; no release serves' : `; release ${serves.number} is what it has`}. \`openward node doctor\` says what it waits for.\n`,
          );
        run.show({ done: true, serves }, () => `${service}: ${BRAKES[kind][1]}${what}.\n${AFTER[kind] ?? ''}`);
      }),
    );
    if (kind === 'rollback')
      command.option('--release <number>', 'the release that is meant, as `node status` names it; the anchor needs it');
  }
}

/** What a person should know when it is done. */
const AFTER: Readonly<Partial<Record<keyof typeof BRAKES, string>>> = {
  rollback: '`openward node doctor` says how to take a newer one up again.\n',
};

const done = (run: Run, line: string): void => run.show({ done: true }, () => `${line}\n`);
