import type { Command } from 'commander';
import type { Plan, RolloutEvidence, RolloutRow, RolloutView, StartRequest } from '@openward/contracts';
import { admin, collect, itemsOf, leaf, type Act, type Cli, type Run } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCount, parseHash, parseRollout } from '../parse.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage-error.ts';
import { planText } from '../views/plan.ts';
import { rolloutRow, rolloutText } from '../views/rollout.ts';
import { spaced } from '../words.ts';
import { planRequestOf } from './plan-request.ts';
import { watch } from './watch-rollout.ts';

export function addRollouts(cli: Cli, program: Command): void {
  const rollouts = program.command('rollouts').description('one release going to a selection of sites, in waves');
  planOptions(
    leaf(
      cli,
      rollouts,
      'plan [file]',
      'the dry run: print what would happen, and change nothing',
      admin(async (client, run, [file], options) => {
        const plan = await client.rollouts.plan(await planRequestOf(file, options, run.terminal));
        run.show(plan, () => planText(plan, run.paint));
      }),
    ),
  );
  planOptions(leaf(cli, rollouts, 'start [file]', 'start the plan that is approved by its hash', start))
    .option('--approve <hash>', 'hash of the plan that was looked at')
    .option('--yes', 'approve the plan as it is now, without a look')
    .option('--supersede', 'end the rollout that its nodes are in')
    .option('--watch', 'watch it until it ends');
  leaf(
    cli,
    rollouts,
    'list',
    'list rollouts, the newest first',
    admin(async (client, run, _args, options) => {
      const { service, open, limit = '50' } = options;
      const of = { service: service as string | undefined };
      const listed = (more: { open?: boolean; unsettled?: true }) =>
        itemsOf((listing) => client.rollouts.list({ ...listing, ...of, ...more }), limit);
      if (open !== true) {
        const found = await listed({});
        return run.show(found, () => rolloutsText(found, run));
      }
      const [running, unsettled] = [await listed({ open: true }), await listed({ unsettled: true })];
      run.show([...running, ...unsettled], () =>
        [
          running.length === 0 ? 'No rollout is under way.\n' : rolloutsText(running, run),
          unsettled.length === 0 ? '' : `\nEnded, and still awaiting nodes:\n${rolloutsText(unsettled, run)}`,
        ].join(''),
      );
    }),
  )
    .option('--service <service>', 'of this service alone')
    .option('--open', 'only those under way; then those that have ended and still await a node')
    .option('--limit <n>', 'at most as many (50)');
  leaf(
    cli,
    rollouts,
    'show <id>',
    'show a rollout once',
    admin(async (client, run, [id = ''], { plan, evidence }) => {
      parseRollout(id);
      const running = plan === true ? await client.rollouts.planOf(id) : null;
      const items = evidence === true ? (await client.rollouts.evidence(id)).items : null;
      if (running !== null && items !== null) {
        const both = { plan: running, evidence: items };
        return run.show(both, () => `${planText(running, run.paint)}\n${evidenceText(items)}`);
      }
      if (running !== null) return run.show(running, () => planText(running, run.paint));
      if (items !== null) return run.show(items, () => evidenceText(items));
      showRollout(run, await client.rollouts.get(id));
    }),
  )
    .option('--plan', 'its plan')
    .option('--evidence', 'what nodes reported to the activation gate');
  leaf(
    cli,
    rollouts,
    'watch <id>',
    'follow a rollout until it ends',
    admin((client, run, [id = '']) => watch(client, run, parseRollout(id))),
  );
  addActs(cli, rollouts);
}

const evidenceText = (items: RolloutEvidence['items']): string =>
  table(
    ['node', 'at', 'bundled', 'own'],
    items.map(({ node, at, evidence: { bundled, own } }) => [
      node,
      at,
      `${bundled.verdict}: ${spaced(bundled.reason)}`,
      own === null ? '-' : `${own.verdict}: ${spaced(own.reason)}`,
    ]),
  );

const rolloutsText = (rows: readonly RolloutRow[], run: Run): string =>
  table(
    ['rollout', 'service', 'release', 'status', 'wave', 'started', 'by', 'waits for'],
    rows.map((row) => rolloutRow(row, run.now, run.paint)),
  );

function addActs(cli: Cli, rollouts: Command): void {
  leaf(
    cli,
    rollouts,
    'pause <id>',
    'no new permit; what began ends',
    admin(async (client, run, [id = ''], { reason }) =>
      showRollout(run, await client.rollouts.pause(parseRollout(id), reason as string | undefined)),
    ),
  ).option('--reason <text>', 'shown with the pause');
  leaf(
    cli,
    rollouts,
    'resume <id>',
    'lift the pauses of persons',
    admin(async (client, run, [id = ''], { harm }) =>
      showRollout(run, await client.rollouts.resume(parseRollout(id), { harm: harm === true })),
    ),
  ).option('--harm', 'lift the pause that a notice of harm made, too');
  leaf(
    cli,
    rollouts,
    'abort <id>',
    'withdraw permits and what is staged; active nodes stay',
    admin(async (client, run, [id = '']) => showRollout(run, await client.rollouts.abort(parseRollout(id)))),
  );
  leaf(
    cli,
    rollouts,
    'rollback <id>',
    'abort, and take back every node that took the release',
    admin(async (client, run, [id = ''], { reason }) =>
      showRollout(run, await client.rollouts.rollback(parseRollout(id), reason as string)),
    ),
  ).requiredOption('--reason <text>', 'kept with the rollout');
  leaf(
    cli,
    rollouts,
    'retry <id> <node>',
    'give a node whose attempt has ended another one',
    admin(async (client, run, [id = '', node = '']) =>
      showRollout(run, await client.rollouts.retry(parseRollout(id), node)),
    ),
  );
  leaf(
    cli,
    rollouts,
    'waive <id>',
    'let an inconclusive wave gate pass, for a reason that is kept',
    admin(async (client, run, [id = ''], { wave, reason }) => {
      const number = parseCount(wave as string, '--wave');
      showRollout(run, await client.rollouts.waive(parseRollout(id), number - 1, reason as string));
    }),
  )
    .requiredOption('--wave <n>', 'its number, from 1')
    .requiredOption('--reason <text>', 'kept with the rollout for ever');
}

const showRollout = (run: Run, view: RolloutView): void => run.show(view, () => rolloutText(view, run.now, run.paint));

const planOptions = (command: Command): Command =>
  command
    .option('--service <service>', 'whose release')
    .option('--release <number>', 'its number')
    .option(
      '--select <label=values>',
      'sites by label, tier=district,primary; may be repeated; all if none',
      collect,
      [],
    )
    .option('--wave <wave>', 'in order: sites:a,b labels:tier=district count:2 percent:10 rest', collect, [])
    .option('--tolerated <n>', 'failures that do not stop it')
    .option('--quorum <share>', 'share of a wave that must be good, 0 to 1')
    .option('--deadline <time>', 'of a wave: 30min, 24h')
    .option('--soak <time>', 'how long a node is watched after it activated')
    .option('--max-concurrent <n>', 'permits outstanding at once')
    .option('--on-fail <act>', 'pause, rollBackWave or rollBackAll')
    .option('--seed <n>', 'draws the order of nodes')
    .option('--no-prefetch', 'later waves do not fetch before they begin');

const start: Act = admin(async (client, run, [file], options) => {
  const request = await planRequestOf(file, options, run.terminal);
  const approved = options['approve'] as string | undefined;
  if (approved !== undefined) parseHash(approved, '--approve');
  const approvedHash = approved ?? (await approve(run, await client.rollouts.plan(request), options));
  if (approvedHash === null) {
    run.note('Nothing was started.');
    return EXIT.refused;
  }
  const asked = { plan: request, approvedHash, supersede: options['supersede'] === true } as StartRequest;
  const view = await client.rollouts.start(asked);
  if (options['watch'] === true) {
    run.note(`Started ${view.id}.`);
    return watch(client, run, view.id);
  }
  showRollout(run, view);
  run.note(`Follow it with: openward rollouts watch ${view.id}`);
  return EXIT.ok;
});

/** Shows the plan and asks. A script says what it approves instead. */
async function approve(run: Run, plan: Plan, options: Readonly<Record<string, unknown>>): Promise<string | null> {
  if (options['yes'] === true) return plan.hash;
  if (run.json || !run.terminal.isTty) {
    throw new UsageError(
      'A start approves a plan by its hash, and none was given.',
      'Look at `openward rollouts plan`, then give --approve HASH; or give --yes.',
    );
  }
  run.terminal.out(planText(plan, run.paint));
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({ message: 'Start this plan?', initialValue: false });
  return !isCancel(answer) && answer ? plan.hash : null;
}
