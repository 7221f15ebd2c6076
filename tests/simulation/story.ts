import type { EvaluationResult } from '@openward/activation';
import { between, VirtualWorld } from '@openward/activation/testing';
import { digestOf, type Name, OLDEST_PROTOCOL, type RolloutId } from '@openward/contracts';
import { command, type NodeFacts, offerOf, plan, type PlanFacts, type RolloutState, start } from '@openward/rollout';
import { aRequest } from '@openward/rollout/testing';
import { numberOf, releaseOf, SITES, type SiteName, SUITE } from './catalogue.ts';
import { Checks } from './checks.ts';
import { ControlPlane, ENGINE } from './control-plane.ts';
import { Hospital } from './hospital.ts';
import { BadNetwork, EPOCH, repeat, type Surroundings } from './surroundings.ts';

// Releases 1 to 4 as the demo tells them, in virtual time, with chaos in the first part of each: machines die near durable
// steps, messages are lost, late and doubled, writes fail and were stored all the same. Each part ends calm, so that all
// must end as told.

const SERVICE = 'triage';
const CHAOS_MS = 25_000;
const WAVE_DEADLINE_MS = 90_000;
/** Longest that a part of the story may take. */
const PATIENCE_MS = 300_000;

const SETTINGS = {
  waveDeadlineMs: WAVE_DEADLINE_MS,
  maxConcurrent: 1,
  // Machines die more often here than in any hospital.
  soak: { soakMs: 2000, errorShare: 0.05, minRequests: 20, restarts: 9, probeTimeoutMs: 5000 },
};

/** Throws, with the seed and the moment, where a rule is broken or the story ends otherwise; else returns what happened. */
export async function simulate(seed: number, options: { readonly chaos?: boolean } = {}): Promise<readonly string[]> {
  const story = new Story(seed, options.chaos ?? true);
  await story.run();
  return story.world.log;
}

class Story {
  readonly world: VirtualWorld;
  readonly #checks: Checks;
  readonly #link: BadNetwork;
  readonly #plane: ControlPlane;
  readonly #hospitals: readonly Hospital[];
  readonly #hasChaos: boolean;
  /** By the story, and not by chance. */
  readonly #isCutOff = new Set<Name>();
  #calmAt: number;

  constructor(seed: number, chaos: boolean) {
    this.#hasChaos = chaos;
    this.#calmAt = chaos ? CHAOS_MS : 0;
    this.world = new VirtualWorld(seed);
    this.#checks = new Checks(seed, this.world, () => this.#stir());
    const isChaotic = (): boolean => this.world.time < this.#calmAt;
    this.#link = new BadNetwork(this.world, isChaotic);
    const around: Surroundings = { seed, world: this.world, link: this.#link, checks: this.#checks, isChaotic };
    this.#plane = new ControlPlane(around);
    this.#checks.plane = this.#plane;
    this.#hospitals = SITES.map((site) => new Hospital(site, around, this.#plane));
    this.#checks.hospitals = this.#hospitals;
  }

  async run(): Promise<void> {
    const { world } = this;
    for (const hospital of this.#hospitals) {
      this.#plane.enrol(hospital);
      hospital.boot();
      repeat(world, 300, 1500, () => void visit(hospital).catch((error: unknown) => this.#fail(error)));
    }
    for (const replica of this.#plane.replicas) replica.boot();
    this.#harm();
    let isOver = false;
    const told = this.#tell().then(
      () => (isOver = true),
      (error: unknown) => {
        this.#fail(error);
        isOver = true;
      },
    );
    for (let until = 1000; !isOver; until += 1000) {
      await world.run(until, () => {
        this.#checks.look();
        if (this.#checks.broken !== null) throw new Error(this.#checks.broken);
      });
    }
    await told;
    if (this.#checks.broken !== null) throw new Error(this.#checks.broken);
  }

  /** Beside what dies near its own steps: while there is chaos, something goes wrong every few seconds. */
  #harm(): void {
    const { world } = this;
    const oneOf = <T>(all: readonly T[]): T => all[between(world, 0, all.length)]!;
    const whileChaotic = (least: number, most: number, run: () => void): void =>
      repeat(world, least, most, () => {
        if (world.time < this.#calmAt) run();
      });
    whileChaotic(2000, 12_000, () => {
      const unlucky = oneOf([...this.#hospitals, ...this.#plane.replicas]);
      if (unlucky.isUp) unlucky.crash();
    });
    whileChaotic(5000, 20_000, () => {
      const { node } = oneOf(this.#hospitals);
      if (this.#link.isCut(node)) return;
      this.#link.cut(node);
      world.at(between(world, 500, 6000), () => {
        if (!this.#isCutOff.has(node)) this.#link.mend(node);
      });
    });
    whileChaotic(8000, 30_000, () => this.#plane.loseReports());
    // A recall of what nobody has: every node's desired state changes, beside whatever else is being put.
    whileChaotic(4000, 16_000, () => this.#plane.stores.recall(digestOf(`nothing ${world.time}`)));
    // Three exits in ten minutes would take a node back (N4).
    let exits = 0;
    whileChaotic(20_000, 60_000, () => {
      const unlucky = oneOf(this.#hospitals);
      if (!unlucky.isUp || ++exits > 2) return;
      unlucky.runtime.exit();
      world.note(`the runtime of ${unlucky.node} exits`);
    });
  }

  #cutOff({ node }: Hospital): void {
    this.#isCutOff.add(node);
    this.#link.cut(node);
  }

  #mend({ node }: Hospital): void {
    this.#isCutOff.delete(node);
    this.#link.mend(node);
  }

  async #tell(): Promise<void> {
    const [referral, district, primary] = this.#hospitals as [Hospital, Hospital, Hospital];
    await this.#until('all have reported', () => this.#plane.stores.tables.states.size === 3);

    this.#stir();
    const first = await this.#start(1, [['referral'], ['district', 'primary']]);
    await this.#until('release 1 is live everywhere', () => this.#hasCompleted(first) && this.#allHaveCommitted(1));

    this.#stir();
    const second = await this.#start(2, [['referral'], ['district', 'primary']], { quorum: 0.5 });
    await this.#sleep(between(this.world, 0, 1500));
    this.#cutOff(primary);
    await this.#until('release 2 completes without the clinic', () => this.#hasCompleted(second));
    this.#expect(this.#stepOf(second, 'primary').late, 'the clinic comes late');
    this.#expect(this.#checks.isOn(primary, 1) || !primary.isUp, 'the clinic serves on while it is cut off');
    this.#stir();
    await this.#sleep(between(this.world, 0, 3000));
    this.#mend(primary);
    await this.#until('the clinic catches up', () => this.#allHaveCommitted(2));

    this.#stir();
    const third = await this.#start(3, [['referral'], ['district'], ['primary']]);
    await this.#until('release 3 is stopped', () => this.#stateOf(third).life.kind === 'rolledBack');
    this.#expect(this.#judgementOf(third, referral).bundled.verdict === 'fail', "the canary's gate has failed");
    await this.#until('all still serve release 2', () => this.#allServe(2));

    this.#stir();
    const fourth = await this.#start(4, [['referral'], ['district'], ['primary']]);
    await this.#until('release 4 goes back', () =>
      ['rollingBack', 'rolledBack'].includes(this.#stateOf(fourth).life.kind),
    );
    const { fetchedBytes } = referral;
    this.#expect(this.#stateOf(fourth).waves[0]?.kind === 'passed', 'release 4 passes at the referral hospital');
    const ofDistrict = this.#judgementOf(fourth, district);
    this.#expect(ofDistrict.bundled.verdict === 'pass', 'release 4 passes the bundled items at the district hospital');
    this.#expect(ofDistrict.own?.verdict === 'fail', "the district's own records stop it");
    await this.#until('release 4 is taken back everywhere', () => {
      return this.#stateOf(fourth).life.kind === 'rolledBack' && this.#allServe(2);
    });
    this.#expect(referral.fetchedBytes === fetchedBytes, 'nothing is fetched to go back');
    this.#expect(this.#checks.isOn(district, 2), 'the district hospital has not changed');

    await this.#haltAndRecall(primary, fourth);
    await this.#until('it is calm', () => this.world.time >= this.#calmAt);
    await this.#until('every node was told the newest', () => this.#plane.stores.tables.outbox.length === 0);
    await this.#until('every report is committed', () =>
      this.#hospitals.every((it) => it.isUp && isDrained(it, this.#plane)),
    );
    this.#checks.end();
  }

  /** A site's halt outlives deaths, new connections and whatever the network says next. */
  async #haltAndRecall(clinic: Hospital, rollout: RolloutId): Promise<void> {
    this.#stir();
    this.#cutOff(clinic);
    await this.#until('the clinic halts its service', async () => {
      const answer = await within(this.world, 1000, clinic.reconciler?.command({ kind: 'halt', service: SERVICE }));
      return answer?.done === true;
    });
    this.#checks.halted = clinic;
    if (this.#hasChaos) clinic.crash();
    await this.#sleep(between(this.world, 1000, 6000));
    this.#mend(clinic);
    const { rollouts } = this.#plane.stores;
    await command(rollouts, rollout, { kind: 'recall', by: 'ada', reason: 'misses emergencies' }, ENGINE);
    this.#plane.stores.recall(releaseOf(4).digest);
    await this.#until('the recall has reached all', () =>
      this.#hospitals.every(({ journal }) => journal.known.recalled.includes(releaseOf(4).digest)),
    );
    const servings = (): readonly (string | undefined)[] =>
      this.#hospitals.map(({ node }) => this.#plane.stores.tables.states.get(node)?.body.services[0]?.serving);
    await this.#until('the network sees the halt', () => servings().join() === 'serving,serving,halted');
    await this.#sleep(10_000);
    const refused = plan(aRequest({ release: 2, waves: [{ by: 'sites', sites: ['primary'] }] }), this.#facts(2));
    this.#expect('kind' in refused && refused.code === 'planBlocked', 'a halted service is in no plan');
  }

  async #start(number: number, waves: readonly (readonly SiteName[])[], settings: object = {}): Promise<RolloutId> {
    const request = aRequest({
      release: number,
      waves: waves.map((sites) => ({ by: 'sites', sites })),
      settings: { ...SETTINGS, ...settings },
    });
    const facts = this.#facts(number);
    const made = plan(request, facts);
    if ('kind' in made) throw new Error(`no plan for release ${number}: ${made.why} ${made.details.join()}`);
    this.#expect(made.blocked.length === 0, `nobody is blocked, but ${made.blocked.map((it) => it.why).join()}`);
    const id = `ro-release${number}`;
    const order = { id, by: 'ada', plan: made, offer: offerOf(facts), supersede: false };
    const started = await start(this.#plane.stores.rollouts, SERVICE, order, ENGINE);
    if (started.kind !== 'started') throw new Error(`release ${number} does not start: ${started.why}`);
    this.world.note(`release ${number} starts`);
    return id;
  }

  /** As the control plane loads them: from the newest state reports. */
  #facts(number: number): PlanFacts {
    const { states } = this.#plane.stores.tables;
    const nodes = this.#hospitals.map(({ node, site }): NodeFacts => {
      const { body } = states.get(node)!;
      const service = body.services.find((it) => it.service === SERVICE);
      return {
        node,
        site,
        tier: site,
        labels: {},
        linkBytesPerSecond: null,
        revoked: false,
        files: [],
        reported: {
          class: body.class,
          protocol: body.protocol,
          active: service?.active ?? null,
          lastGood: service?.lastGood ?? null,
          halted: service?.serving === 'halted',
          pinned: service?.pinned ?? false,
          tooFewItems: body.suites.some(({ tooFewItems }) => tooFewItems),
          loaded: [],
          changes: {},
        },
      };
    });
    const now = EPOCH + this.world.time;
    const none = { recalled: [], live: [] };
    return { release: releaseOf(number), suite: SUITE, nodes, ...none, oldestProtocol: OLDEST_PROTOCOL, now };
  }

  #stateOf(id: RolloutId): RolloutState {
    return this.#checks.stateOf(id);
  }

  #stepOf(id: RolloutId, site: SiteName): RolloutState['nodes'][string] {
    return this.#stateOf(id).nodes[`${site}-node`]!;
  }

  /** What the hospital's own evaluation counted; the network was told of it, by evidence or by state, whichever came first. */
  #judgementOf(id: RolloutId, { site, kept }: Hospital): EvaluationResult {
    this.#expect(this.#stepOf(id, site).hasFailed, `${site} has failed in ${id}`);
    const { digest } = this.#stateOf(id).plan.release;
    const found = [...kept.judgements].find(([mark]) => mark.includes(digest));
    if (found === undefined) throw new Error(`${site} has judged nothing of ${id}`);
    return found[1];
  }

  #hasCompleted(id: RolloutId): boolean {
    const { life, pauses } = this.#stateOf(id);
    if (pauses.length > 0 || (life.kind !== 'running' && life.kind !== 'completed'))
      throw new Error(`${id} is ${life.kind}, ${JSON.stringify(pauses)}`);
    return life.kind === 'completed';
  }

  #allServe(number: number): boolean {
    return this.#hospitals.every((hospital) => this.#checks.isOn(hospital, number));
  }

  /** On each machine, and as the network knows it: what the next plan is made from. */
  #allHaveCommitted(number: number): boolean {
    return (
      this.#allServe(number) &&
      this.#hospitals.every(({ node }) => {
        const service = this.#plane.stores.tables.states.get(node)?.body.services[0];
        return numberOf(service?.lastGood) === number && numberOf(service?.active) === number;
      })
    );
  }

  /** The next part begins with chaos, and ends calm. */
  #stir(): void {
    if (this.#hasChaos) this.#calmAt = this.world.time + CHAOS_MS;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.world.at(ms, resolve));
  }

  async #until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = this.world.time + PATIENCE_MS;
    while (!(await holds())) {
      if (this.world.time > deadline) throw new Error(`it never came to this: ${what}`);
      await this.#sleep(200);
    }
    this.world.note(what);
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) throw new Error(`otherwise than told: ${what}`);
  }

  #fail(error: unknown): void {
    this.#checks.breakRule(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** A person of the site comes by. Referral and primary have standing rules; at the district each question waits for them. */
async function visit({ site, reconciler, isUp }: Hospital): Promise<void> {
  if (!isUp || reconciler === null || !reconciler.state().isBooted) return;
  const { durable } = reconciler.state();
  const suite = SUITE_DIGEST;
  if (durable.suites[suite] === undefined) await reconciler.command({ kind: 'acceptSuite', suite, tooFewItems: false });
  if (site !== 'district') {
    if (durable.rules.prepare.length === 0)
      await reconciler.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{}] } });
    return;
  }
  const offer = reconciler.offers().find(({ service }) => service === SERVICE);
  if (offer?.question === 'prepare' || offer?.question === 'activate')
    await reconciler.command({
      kind: 'accept',
      service: SERVICE,
      assignment: offer.assignment,
      question: offer.question,
    });
}

const SUITE_DIGEST = releaseOf(1).document.suite.digest;

/** A machine that dies answers nobody: null then. */
function within<T>(world: VirtualWorld, ms: number, asked: Promise<T> | undefined): Promise<T | null> {
  return new Promise((resolve, reject) => {
    world.at(ms, () => resolve(null));
    asked?.then(resolve, reject);
  });
}

const isDrained = ({ node, ledger }: Hospital, { stores }: ControlPlane): boolean =>
  ledger.queue.size === 0 && stores.tables.nodes.get(node)?.ackedThrough === ledger.newest;

if (import.meta.main) {
  const [count = 100, first = 1] = process.argv.slice(2, 4).map(Number);
  const began = process.hrtime.bigint();
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    await simulate(seed).catch((error: unknown) => {
      failed++;
      console.log(error instanceof Error ? error.message.split('\n')[0] : error);
    });
    if (failed > 0 && process.argv[4] === 'first') process.exit(1);
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(`${count} seeds in ${seconds.toFixed(1)} s, ${failed} failed`);
}
