import { until } from '@openward/testkit';
import type { Expectations } from './expectations.ts';
import { createPolicyRelease, pushPolicyFolder } from './harness/index.ts';
import { asked, type } from './hospital-it.ts';
import { heading, line } from './print.ts';
import { ABOUT_A_BITE, questions, served, shown } from './questions.ts';
import { startRollout } from './rollouts.ts';
import { fetchedBytes, loadsOf } from './site-state.ts';
import { follow, hasEnded, nodeOf } from './watch.ts';
import type { World } from './world.ts';

// Two releases that change the prompt policy alone. They go the way of every release, and load no model.

interface Told {
  readonly world: World;
  readonly expectations: Expectations;
}

/** The version of the model that all hospitals run by now. */
const MODEL = 2;
const ESCALATED = 'Call 112 and keep the limb still. emergency 5';
/** The document of a release and its lists; weights would be many times as much. */
const DOCUMENT_BYTES = 100_000;

const each = async (world: World, what: (site: World['sites'][number]) => Promise<number>): Promise<number[]> =>
  Promise.all(world.sites.map(what));
const rise = (before: readonly number[], after: readonly number[]): number =>
  Math.max(...after.map((value, at) => value - (before[at] ?? 0)));

/** A rule puts the emergency number before answers about bites; the district hospital first lets it run in shadow. */
export async function releaseFive({ world, expectations }: Told): Promise<void> {
  const { network, district } = world;
  heading('Release 5 changes the prompt policy alone: the emergency number stands before an answer about a bite');
  const policy = await pushPolicyFolder(network.api, 'triage-2');
  line(`policy    ${policy.id} revision ${policy.revision}: its own tests passed at the push`);
  await createPolicyRelease(network.api, policy, MODEL);
  const loadsNow = await loadsOfServing(world);
  const before = { loads: await loadsNow(), bytes: await each(world, fetchedBytes) };
  const rollout = await startRollout(network, {
    release: 5,
    waves: [{ by: 'sites', sites: ['referral'] }, { by: 'rest' }],
    settings: { quorum: 1, waveDeadlineMs: 60_000, maxConcurrent: 2 },
  });
  const ended = follow(network, rollout.id, hasEnded);
  await asked(district, 5, 'prepare');
  await type(district, ['offers', 'show', 'triage'], 12, 'Rules, in this order');
  await type(district, ['accept', 'triage']);
  await asked(district, 5, 'activate');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await type(district, ['shadow', 'start', 'triage', '--until', tomorrow, '--by', 'Dr A. Meier']);
  const counted = await until(async () => (await shadowHits(world)) || undefined, {
    within: 20_000,
    every: 100,
    what: 'the district hospital’s traffic meets a rule of release 5 in shadow',
  });
  await type(district, ['policy', 'hits', 'triage', '--shadow'], 6);
  const during = await questions(world, ABOUT_A_BITE, 'while release 5 runs in shadow at the district hospital');
  expectations.check(
    'the district hospital sees what release 5 would have done to its own traffic, and no reply is changed by it',
    counted > 0 && during.get('district') === 'emergency 2',
    `${counted} would have been escalated there; ${shown(during)}`,
  );
  await type(district, ['accept', 'triage']);
  const view = await ended;
  const answers = await questions(world, ABOUT_A_BITE, 'with release 5');
  expectations.check(
    'release 5 goes live everywhere, by waves, gates and consent as a model does',
    view.status === 'completed' && served(answers, ESCALATED),
    `${view.status}; ${shown(answers)}`,
  );
  const loads = rise(before.loads, await loadsNow());
  const bytes = rise(before.bytes, await each(world, fetchedBytes));
  expectations.check(
    'a change of policy alone loads the model no second time, and fetches no weights',
    loads === 0 && bytes < DOCUMENT_BYTES,
    `${loads} loads, at most ${bytes} bytes at a hospital`,
  );
}

/** Its tests hold at the push and at the referral hospital, and not with the district hospital's own record numbers. */
export async function releaseSix({ world, expectations }: Told): Promise<void> {
  const { network, district } = world;
  heading('Release 6 also hides record numbers; at the district hospital they look like a dose of penicillin');
  const policy = await pushPolicyFolder(network.api, 'triage-3');
  await createPolicyRelease(network.api, policy, MODEL);
  const loadsNow = await loadsOfServing(world);
  const before = await loadsNow();
  const rollout = await startRollout(network, {
    release: 6,
    waves: ['referral', 'district', 'primary'].map((site) => ({ by: 'sites', sites: [site] })),
    settings: { waveDeadlineMs: 60_000 },
  });
  const ended = follow(network, rollout.id, hasEnded);
  await asked(district, 6, 'prepare');
  await type(district, ['accept', 'triage']);
  const view = await ended;
  const refused = nodeOf(view, 'district');
  expectations.check(
    'release 6 is refused at the district hospital, where a test of its own policy fails',
    refused?.reason === 'policyTestFailed' && view.status === 'rolledBack',
    `${refused?.reason ?? refused?.step}, ${view.status}`,
  );
  const answers = await questions(world, ABOUT_A_BITE, 'after release 6 was tried');
  const loads = rise(before, await loadsNow());
  expectations.check(
    'the referral hospital, which had taken release 6, goes back to release 5 without loading a model',
    served(answers, ESCALATED) && loads === 0,
    `${shown(answers)}; ${loads} loads`,
  );
}

/** How often each hospital has loaded the model that serves. An evaluation may load another: the anchor that it compares with. */
async function loadsOfServing(world: World): Promise<() => Promise<number[]>> {
  const { variants } = await world.network.api.models.get('triage-nano', String(MODEL));
  const files = variants.map(({ artifact }) => artifact.file);
  return () => each(world, (site) => loadsOf(site, files));
}

/** How often the rule of what runs in shadow at the district hospital would have escalated. */
async function shadowHits({ district }: World): Promise<number> {
  const { items } = await district.local<{ items: readonly { action: string; count: number; revision: number }[] }>(
    'GET',
    '/policy/hits/triage',
  );
  return items
    .filter(({ action, revision }) => action === 'escalate' && revision === 2)
    .reduce((sum, { count }) => sum + count, 0);
}
