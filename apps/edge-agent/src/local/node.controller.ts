import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { siteWayOf } from '@openward/activation';
import { expiryOf, Name, Refusal } from '@openward/contracts';
import { canNeverPass } from '@openward/evaluation';
import { z } from 'zod';
import { Agent } from '../agent.ts';
import { AnyCommand, asCommand, makeApiKey, settle } from './commands.ts';
import { AddDataSet, addDataSet, commitmentsOf } from './data-sets.ts';
import { examine, serviceFacts } from './doctor.ts';
import { offersHere } from './offers-here.ts';
import { standingViews } from './service-findings.ts';

const After = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
const AddKey = z.strictObject({ application: Name });

/** Hospital IT's own interface, over a Unix socket in the data folder: it works with no network (N5). */
@Controller()
export class NodeController {
  constructor(private readonly agent: Agent) {}

  @Get('status')
  status() {
    const { site, node, credentials } = this.agent.network.enrolment;
    return {
      site,
      node,
      gateway: this.agent.gatewayUrl,
      connected: this.agent.network.isConnected,
      credentialsUntil: credentials.expiresAt,
      uptimeHours: this.agent.uptimeHours(),
      serving: this.#serving(),
      standing: standingViews(serviceFacts(this.agent)),
      report: this.agent.reconciler.report(),
      fetches: this.agent.fetches.list(),
      fetchedBytes: this.agent.fetches.totalBytes,
      modelLoads: this.agent.models.loads,
      policyRefusals: this.agent.policies.openRefusals(),
      pid: process.pid,
    };
  }

  #serving() {
    const { served, policies } = this.agent;
    const now = Date.now();
    const stops = policies.settings.onExpiry() === 'fallback';
    return served.list().map((one) => {
      const policy = served.policyOf(one.service);
      const policyExpired =
        stops && one.stopped === null && policy !== null && expiryOf(policy, now).state === 'expired';
      return { ...one, policyExpired };
    });
  }

  @Get('offers')
  async offers() {
    const { reconciler, offerReading } = this.agent;
    return { items: await offersHere(reconciler.state(), offerReading.missing) };
  }

  @Get('suites')
  suites() {
    const { durable } = this.agent.reconciler.state();
    const offered = Object.values(durable.services).flatMap(({ attempt }) =>
      attempt === null ? [] : [attempt.assignment],
    );
    return {
      items: offered.map(({ suite, service }) => ({
        service,
        name: suite.name,
        version: suite.version,
        digest: suite.digest,
        readsSiteData: suite.readsSiteData,
        bundledItems: suite.bundledItems,
        accepted: durable.suites[suite.digest] !== undefined,
      })),
      accepted: durable.suites,
    };
  }

  @Get('rules')
  rules() {
    return this.agent.reconciler.state().durable.rules;
  }

  @Get('doctor')
  doctor() {
    return examine(this.agent);
  }

  @Post('commands')
  @HttpCode(200)
  async command(@Body({ schema: AnyCommand }) command: AnyCommand) {
    if (command.kind === 'acknowledgeLedger') return this.#acknowledgeLedger(command.reason);
    const tooFew = command.kind === 'acceptSuite' ? await this.#tooFewItems(command.suite) : false;
    const wasHalted =
      'service' in command && this.agent.reconciler.state().durable.services[command.service]?.halted === true;
    const answer = await this.agent.reconciler.command(asCommand(command, () => tooFew));
    const stands = 'service' in command ? this.#stands(command.service) : null;
    settle(answer, stands);
    return { done: true, serves: stands?.serves ?? null, wasHalted };
  }

  #stands(service: string) {
    const way = siteWayOf(this.agent.reconciler.state().durable, service);
    return { service, serves: this.#isToServe(service), wayBack: way?.to.number ?? null };
  }

  /** What the gateway has to serve once a way back that was begun has been gone. */
  #isToServe(service: string): { release: string; number: number } | null {
    const record = this.agent.reconciler.state().durable.services[service];
    const progress = record?.attempt?.progress;
    const held = progress?.at === 'goingBack' ? progress.to : (record?.active ?? null);
    return held === null ? null : { release: held.release, number: held.number };
  }

  @Get('disclosures')
  async disclosures(@Query({ schema: After }) { after, limit }: z.infer<typeof After>) {
    const rows = this.agent.ledger.rows(after, limit);
    return {
      items: rows.map(({ bytes, ...row }) => ({ ...row, bytes: Buffer.from(bytes).toString('base64') })),
      next: rows.length === limit ? (rows.at(-1)?.seq ?? null) : null,
      newest: (await this.agent.ledger.head()).seq,
    };
  }

  @Get('disclosures/summary')
  summary() {
    return { kinds: this.agent.ledger.countByKind() };
  }

  @Get('data')
  dataSets() {
    const commitments = new Map(
      commitmentsOf(this.agent.dataSets).map((one) => [`${one.name} ${one.version}`, one.commitment]),
    );
    return {
      items: this.agent.dataSets.list().map(({ name, version, card, addedAt }) => ({
        name,
        version,
        card,
        addedAt,
        commitment: commitments.get(`${name} ${version}`),
      })),
    };
  }

  @Post('data')
  add(@Body({ schema: AddDataSet }) input: AddDataSet) {
    return addDataSet(this.agent.dataSets, input, Date.now());
  }

  @Get('keys')
  keys() {
    return { items: this.agent.apiKeys.list() };
  }

  @Post('keys')
  addKey(@Body({ schema: AddKey }) { application }: z.infer<typeof AddKey>) {
    const { id, key, digest } = makeApiKey();
    this.agent.apiKeys.add(id, digest, application, Date.now());
    return { id, application, key };
  }

  @Delete('keys/:id')
  revoke(@Param('id') id: string) {
    if (!this.agent.apiKeys.revoke(id, Date.now())) throw new Refusal('notFound', `There is no key ${id}.`);
    return { revoked: id };
  }

  #acknowledgeLedger(reason: string) {
    if (this.agent.network.acknowledgeLedger(reason) === 'noAlarm')
      throw new Refusal('notWaiting', 'The ledger raises no alarm that could be acknowledged.');
    return { done: true };
  }

  /** R1: told with the acceptance, so that a plan can warn. A suite that is not here yet cannot be judged. */
  async #tooFewItems(digest: string): Promise<boolean> {
    const { services } = this.agent.reconciler.state().durable;
    const found = Object.values(services)
      .map(({ attempt }) => attempt?.assignment.suite)
      .find((suite) => suite?.digest === digest);
    if (found === undefined) throw new Refusal('suiteUnknown', 'No offered release uses a suite with this digest.');
    const suite = await this.agent.documents.suite(found.digest, found.artifact).catch(() => null);
    const set = suite === null ? undefined : this.agent.dataSets.ofService(suite.service).at(-1);
    return suite !== null && found.readsSiteData && canNeverPass(suite, set?.card.redFlagPersons ?? 0);
  }
}
