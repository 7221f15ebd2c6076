import { createRelease, registerModel } from './harness/index.ts';
import type { PlanRequest } from '@openward/contracts';
import { Expectations } from './expectations.ts';
import { acceptTwice, asked, type } from './hospital-it.ts';
import { heading, line } from './print.ts';
import { startRollout } from './rollouts.ts';
import { releaseFive, releaseSix } from './policy-story.ts';
import { ABOUT_A_BITE, ABOUT_BLOOD_SUGAR, questions, served, shown } from './questions.ts';
import { fetchedBytes, isFetchingHalf, stateOf } from './site-state.ts';
import { Traffic } from './traffic.ts';
import { follow, hasEnded, nodeOf } from './watch.ts';
import type { World } from './world.ts';
import { until } from '@openward/testkit';

// The story: six releases of one service at three hospitals; the last two change the prompt policy alone (`policy-story.ts`). Nothing here decides an outcome; it asks, types, cuts and kills,
// and checks what the running system did.

const SHORTEST_WAVE_MS = 9_000;

export class Story {
  readonly expectations = new Expectations();
  readonly #world: World;
  #traffic: Traffic[] = [];
  /** Of a wave that a cut-off hospital keeps waiting to its end: short, but no shorter than this machine needs for the others. */
  #waveDeadlineMs = SHORTEST_WAVE_MS;

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    await this.#rules();
    await this.#releaseOne();
    this.#traffic = this.#world.sites.map((site) => new Traffic(site, [ABOUT_BLOOD_SUGAR, ABOUT_A_BITE], 500));
    await this.#releaseTwo();
    await this.#catchUp();
    await this.#releaseThree();
    await this.#releaseFour();
    const told = { world: this.#world, expectations: this.expectations };
    await releaseFive(told);
    await releaseSix(told);
    await this.#close();
  }

  async #rules(): Promise<void> {
    heading('What each hospital lets through by itself');
    const rule = { services: ['triage'], maxBytes: 50_000_000 };
    for (const site of [this.#world.referral, this.#world.primary]) {
      await site.local('POST', '/commands', { kind: 'setRules', rules: { prepare: [rule], activate: [rule] } });
      line(
        `${site.name.padEnd(9)} standing rule: prepare and activate ${rule.services.join(', ')}, up to ${rule.maxBytes / 1e6} MB`,
      );
    }
    line('district  none: a person accepts each release, before it is fetched and again after its result');
    // Before the first evaluation: what was measured under other terms would have to be measured again (E4).
    await Promise.all([
      type(this.#world.referral, ['policy', 'record-number', 'MRN-[0-9]{6}']),
      type(this.#world.district, ['policy', 'record-number', '[0-9]{7}']),
    ]);
  }

  async #releaseOne(): Promise<void> {
    const { network, referral, primary, district } = this.#world;
    heading('Release 1, the baseline, goes live everywhere');
    await createRelease(network.api, 1);
    const began = performance.now();
    const rollout = await startRollout(network, {
      release: 1,
      waves: [{ by: 'rest' }],
      settings: { quorum: 1, waveDeadlineMs: 60_000, maxConcurrent: 3 },
    });
    const suites = [referral, primary].map(async (site) => {
      const { suite } = await asked(site, 1, 'acceptSuite');
      await type(site, ['suites', 'accept', suite.digest]);
    });
    await Promise.all([follow(network, rollout.id, hasEnded), ...suites, acceptTwice(district, 1, 'suiteToo')]);
    // Three hospitals share this machine's processors; in the wave that waits one alone has work, but the machine may be busier then.
    this.#waveDeadlineMs = Math.max(SHORTEST_WAVE_MS, Math.ceil(0.9 * (performance.now() - began)));
    const view = await network.api.rollouts.get(rollout.id);
    const answers = await questions(this.#world, ABOUT_BLOOD_SUGAR, 'with release 1');
    this.expectations.check(
      'release 1 completes at all three hospitals',
      view.status === 'completed' && served(answers, 'routine 1'),
      shown(answers),
    );
  }

  async #releaseTwo(): Promise<void> {
    const { network, district, primary } = this.#world;
    heading(
      'Release 2, a better fine-tune: first the referral hospital, then the others; the clinic is cut off meanwhile',
    );
    await registerModel(network.api, 2);
    await createRelease(network.api, 2);
    primary.line.cut();
    line('primary   its line is cut');
    const rollout = await startRollout(network, {
      release: 2,
      waves: [{ by: 'sites', sites: ['referral'] }, { by: 'rest' }],
      settings: { quorum: 0.5, canaryDeadlineMs: 60_000, waveDeadlineMs: this.#waveDeadlineMs },
    });
    const waiting = this.#districtWaits(2);
    await follow(network, rollout.id, (view) => nodeOf(view, 'referral')?.soak === 'running');
    await network.controlPlane.kill9();
    line('control plane: kill -9 during the canary’s soak');
    await network.restart();
    line('control plane: started again');
    const [view] = await Promise.all([
      follow(network, rollout.id, hasEnded),
      waiting.then(() => acceptTwice(district, 2)),
    ]);
    const answers = await questions(this.#world, ABOUT_BLOOD_SUGAR, 'with release 2');
    this.expectations.check(
      'release 2 completes without the clinic, and the control plane’s end during the soak changes nothing',
      view.status === 'completed' &&
        answers.get('referral') === 'emergency 2' &&
        answers.get('district') === 'emergency 2',
      shown(answers),
    );
    this.expectations.check(
      'the clinic that is cut off is served by release 1 all the while',
      answers.get('primary') === 'routine 1',
      answers.get('primary') ?? '-',
    );
  }

  /** Nothing of a release that waits is fetched. */
  async #districtWaits(number: number): Promise<void> {
    const { district } = this.#world;
    const before = await fetchedBytes(district);
    await asked(district, number, 'prepare');
    const after = await fetchedBytes(district);
    this.expectations.check(
      `the district hospital shows release ${number} waiting, and nothing of it is fetched`,
      before === after,
      `${after - before} bytes`,
    );
  }

  async #catchUp(): Promise<void> {
    const { primary } = this.#world;
    heading('The clinic comes back, and catches up through its own gate');
    primary.line.mend();
    line('primary   its line is mended');
    await until(async () => isFetchingHalf(primary), {
      within: 30_000,
      every: 20,
      what: 'the clinic fetches release 2',
    });
    const traffic = this.#traffic[2];
    traffic?.killed(true);
    await primary.agent.kill9();
    line('primary   kill -9 of its agent while it fetches');
    await primary.restart();
    traffic?.killed(false);
    line('primary   started again');
    await until(async () => (await stateOf(primary)).lastGood === 2, {
      within: 60_000,
      every: 200,
      what: 'the clinic commits release 2',
    });
    const answers = await questions(this.#world, ABOUT_BLOOD_SUGAR, 'after the catch-up');
    this.expectations.check(
      'the clinic, killed while it fetches, ends on release 2 as the others do',
      served(answers, 'emergency 2'),
      shown(answers),
    );
  }

  async #releaseThree(): Promise<void> {
    const { network } = this.#world;
    heading('Release 3 misses emergencies');
    await registerModel(network.api, 3);
    await createRelease(network.api, 3);
    const rollout = await startRollout(network, {
      release: 3,
      waves: this.#oneByOne(),
      settings: { waveDeadlineMs: 60_000 },
    });
    const view = await follow(network, rollout.id, hasEnded);
    const answers = await questions(this.#world, ABOUT_BLOOD_SUGAR, 'after release 3 was tried');
    const referral = nodeOf(view, 'referral');
    this.expectations.check(
      'release 3 is stopped by the canary’s activation gate',
      referral?.gate?.verdict === 'fail' && view.status === 'rolledBack',
      `${referral?.gate?.verdict} (${referral?.gate?.reason}), ${view.status}`,
    );
    this.expectations.check(
      'no clinic ever gets an answer of release 3',
      served(answers, 'emergency 2') && !this.#answeredBy('3'),
      shown(answers),
    );
  }

  async #releaseFour(): Promise<void> {
    const { network, district, referral } = this.#world;
    heading('Release 4 is worse on one kind of emergency, which the referral hospital hardly sees');
    await registerModel(network.api, 4);
    await createRelease(network.api, 4);
    await questions(this.#world, ABOUT_A_BITE, 'before release 4');
    const rollout = await startRollout(network, {
      release: 4,
      waves: this.#oneByOne(),
      settings: { waveDeadlineMs: 60_000 },
    });
    let fetchedBefore = 0;
    const atReferral = follow(network, rollout.id, (view) => nodeOf(view, 'referral')?.standing === 'good').then(
      async () => {
        fetchedBefore = await fetchedBytes(referral);
        return questions(this.#world, ABOUT_A_BITE, 'while release 4 is live at the referral hospital');
      },
    );
    const [during] = await Promise.all([atReferral, asked(district, 4, 'prepare')]);
    this.expectations.check(
      'release 4 goes live at the referral hospital, and only there',
      during.get('referral') === 'routine 4' && during.get('district') === 'emergency 2',
      shown(during),
    );
    await type(district, ['accept', 'triage']);
    const view = await follow(network, rollout.id, hasEnded);
    const node = nodeOf(view, 'district');
    this.expectations.check(
      'release 4 fails on the district hospital’s own records',
      node?.gate?.verdict === 'fail' && view.status === 'rolledBack',
      `${node?.gate?.verdict} (${node?.gate?.reason}), ${view.status}`,
    );
    const answers = await questions(this.#world, ABOUT_A_BITE, 'after the rollback');
    const fetchedAfter = await fetchedBytes(referral);
    this.expectations.check(
      'every node that took release 4 goes back, with no byte downloaded',
      served(answers, 'emergency 2') && fetchedAfter === fetchedBefore,
      `${shown(answers)}; ${fetchedAfter - fetchedBefore} bytes`,
    );
  }

  async #close(): Promise<void> {
    heading('What went through the gateways, and what left each hospital');
    await Promise.all(this.#traffic.map((traffic) => traffic.stop()));
    const failed = this.#traffic.flatMap(({ seen }) => seen.failed);
    const answered = this.#traffic.reduce((sum, { seen }) => sum + seen.answered, 0);
    const whileKilled = this.#traffic.reduce((sum, { seen }) => sum + seen.whileKilled, 0);
    this.expectations.check(
      'no request fails through every switch',
      failed.length === 0,
      `${answered} answered, ${failed.length} failed${failed.length === 0 ? '' : ` (${failed.slice(0, 3).join('; ')})`}, ${whileKilled} while the clinic’s agent was killed, counted apart`,
    );
    for (const site of this.#world.sites) {
      const { kinds } = await site.local<{ kinds: Record<string, { rows: number; bytes: number }> }>(
        'GET',
        '/disclosures/summary',
      );
      line(
        `${site.name.padEnd(9)} left: ${Object.entries(kinds)
          .map(([kind, { rows, bytes }]) => `${rows} ${kind} (${bytes} bytes)`)
          .join(', ')}`,
      );
      this.expectations.check(
        `what left ${site.name} is in its own ledger`,
        (kinds['state']?.rows ?? 0) > 0 && (kinds['evidence']?.rows ?? 0) > 0,
        `${Object.values(kinds).reduce((sum, { rows }) => sum + rows, 0)} rows`,
      );
    }
  }

  #oneByOne(): PlanRequest['waves'] {
    return [
      { by: 'sites', sites: ['referral'] },
      { by: 'sites', sites: ['district'] },
      { by: 'sites', sites: ['primary'] },
    ];
  }

  #answeredBy(release: string): boolean {
    return this.#traffic.some(({ seen }) => seen.byRelease.has(release));
  }
}
