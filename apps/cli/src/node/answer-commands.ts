import type { Command } from 'commander';
import type { NodeClient, NodeCommand, NodeOffer } from '@openward/client';
import { nodeLeaf as leaf, onNode, type Cli, type Options, type Run } from '../cli.ts';
import { parseNumber, parseUntil } from '../parse.ts';
import { UsageError } from '../usage-error.ts';
import { offersText } from '../views/node.ts';
import { spaced } from '../words.ts';
import { addOfferShow } from './policy-commands.ts';

// What a site answers to an offer (N2). Each answer names the release and the question that this command has just read, and says
// which they were: where another has come meanwhile, the agent refuses it.

export function addAnswers(cli: Cli, node: Command): void {
  const offers = leaf(
    cli,
    node,
    'offers',
    'releases that wait here, with what was found on your records',
    onNode(async (client, run) => {
      const offers = await client.offers();
      run.show(offers, () => offersText(offers, run.paint));
    }),
  );
  addOfferShow(cli, offers);
  withRelease(
    leaf(
      cli,
      node,
      'accept <service>',
      'yes to what is asked: the fetch, and later the activation',
      onNode(async (client, run, [service = ''], options) => {
        const { inconclusive, reason } = options;
        if (inconclusive === true && reason === undefined)
          throw new UsageError('A waiver needs a reason.', 'Give --reason TEXT.');
        const offer = await offerOf(client, service, options);
        if (offer === null) throw await notWaiting(`No release of ${service} waits here.`);
        if (inconclusive === true) {
          const { assignment } = offer;
          await client.command({ kind: 'acceptInconclusive', service, assignment, reason: reason as string });
          return says(run, offer, 'waive', 'its gate is waived, and it may serve');
        }
        const answer = await answerTo(offer, options['holdResult'] === true);
        const { question } = answer;
        if (question === 'prepare' || question === 'activate') await warnOfRefusal(client, run, service, question);
        await client.command(answer);
        const held = answer.holdResult === true ? '; no result leaves before the second answer' : '';
        says(run, offer, answer.question, `${ACCEPTED[answer.question]}${held}`);
      }),
    ),
  )
    .option('--hold-result', 'let no result leave before the second answer, not even a fail')
    .option('--inconclusive', 'waive a gate that is inconclusive')
    .option('--reason <text>', 'for a waiver; it stays here');
  withRelease(
    leaf(
      cli,
      node,
      'defer <service>',
      'not now',
      onNode(async (client, run, [service = ''], options) => {
        const until = parseUntil(options['until'] as string, run.now);
        const offer = await offerOf(client, service, options);
        await client.command({ kind: 'defer', service, ...named(offer), until });
        says(run, offer ?? service, 'defer', `deferred until ${new Date(until).toISOString()}`);
      }),
    ),
  ).requiredOption('--until <time>', '2026-03-31T08:00Z, or +2h');
  withRelease(
    leaf(
      cli,
      node,
      'reject <service>',
      'no: what is staged is dropped',
      onNode(async (client, run, [service = ''], options) => {
        const offer = await offerOf(client, service, options);
        await client.command({ kind: 'reject', service, ...named(offer), reason: options['reason'] as string });
        says(run, offer ?? service, 'reject', 'rejected. The network is told that, and not why');
      }),
    ),
  ).requiredOption('--reason <text>', 'it stays here');
}

/** Ahead of the yes, which stands all the same: the node refuses the policy by itself. Where it cannot be read, nothing is in its way. */
async function warnOfRefusal(
  client: NodeClient,
  run: Run,
  service: string,
  question: 'prepare' | 'activate',
): Promise<void> {
  // Without a line its document could be waited for in vain, and a yes works offline too (N5).
  const isOnline = question === 'activate' || (await client.status().catch(() => null))?.connected === true;
  const read = isOnline ? await client.offer(service).catch(() => null) : null;
  if (read === null) return run.note('Whether its policy would run here cannot be read now.');
  if (read.refused === null) return;
  const { visible } = await import('@openward/policy');
  const why = read.refused.findings.map(({ where, message }) => visible(`${where}: ${message}`)).join(' ');
  run.note(`Warning: this node would refuse its policy, and nothing would change: ${why}`);
}

type Acceptance = Extract<NodeCommand, { readonly kind: 'accept' }>;

const ACCEPTED: Readonly<Record<Acceptance['question'], string>> = {
  prepare: 'it may be fetched and evaluated',
  activate: 'it may serve',
  waive: 'its result may leave; to go on it needs --inconclusive --reason TEXT',
  release: 'its result may leave',
};

const withRelease = (command: Command): Command =>
  command.option('--release <number>', 'the release that is meant; the answer is refused where another waits');

/** What waits now; the release that a script names has to be it. */
async function offerOf(client: NodeClient, service: string, { release }: Options): Promise<NodeOffer | null> {
  const offer = (await client.offers()).find((one) => one.service === service) ?? null;
  if (release === undefined) return offer;
  const number = parseNumber(release as string, '--release');
  if (offer?.number !== number)
    throw await notWaiting(
      offer === null
        ? `No release of ${service} waits here.`
        : `Release ${offer.number} of ${service} waits here, and not ${number}.`,
    );
  return offer;
}

async function answerTo(offer: NodeOffer, holdResult: boolean): Promise<Acceptance> {
  const { service, assignment, number, gate, suite, waitsFor } = offer;
  // A result can be held back before there is one, also where a standing rule lets the release be prepared.
  const question = offer.question ?? (holdResult && gate === null ? 'prepare' : null);
  const what = `Release ${number} of ${service}`;
  if (question === null)
    throw await notWaiting(`${what} waits for no answer${waitsFor === null ? '' : `, but for ${spaced(waitsFor)}`}.`);
  if (question === 'acceptSuite')
    throw await notWaiting(`${what} waits for its suite: openward node suites accept ${suite.digest}`);
  if (!holdResult) return { kind: 'accept', service, assignment, question };
  if (question !== 'prepare')
    throw await notWaiting(`${what} has its result, and a plain yes lets it leave. Reject it to keep it here.`);
  return { kind: 'accept', service, assignment, question, holdResult };
}

const named = (offer: NodeOffer | null): { readonly assignment?: string } =>
  offer === null ? {} : { assignment: offer.assignment };

async function notWaiting(message: string): Promise<Error> {
  const { Refusal } = await import('@openward/contracts');
  return new Refusal('notWaiting', message);
}

/** Which release was answered for, and to what. */
function says(run: Run, offer: NodeOffer | string, answered: string, what: string): void {
  if (typeof offer === 'string') return run.show({ done: true }, () => `${offer}: ${what}.\n`);
  const { service, number, release, assignment, change, model, variant } = offer;
  run.show(
    { done: true, service, number, release, assignment, answered },
    () => `${service} release ${number} (${model}, variant ${variant}, ${change}): ${what}.\n`,
  );
}
