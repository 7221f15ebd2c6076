import {
  CLEARED_BY,
  instantOf,
  type Clearer,
  type Name,
  type NodeStep,
  type PauseCode,
  type Wait,
  type WaitCode,
} from '@openward/contracts';
import { inWords, lengthInWords } from './in-words.ts';
import { hasEnded, isActive, isHeldByPin, isReached, owesRollBack } from './nodes.ts';
import { whyNoPermit } from './permits.ts';
import type { NodeState, Pause, RolloutState } from './state.ts';
import { whatWaveNeeds } from './wave-needs.ts';
import { nodesOfWave, standingIn, tallyWave } from './wave-gate.ts';

// Why anything waits, since when, and who can clear it: all that an operator has to know.

/** A time in the database's clock as people and the wire write it. */
export const instant = instantOf;

const wait = (code: Wait['code'], since: number, clearedBy: Clearer, what: string): Wait => ({
  code,
  since: instant(since),
  clearedBy,
  what,
});

/** By whom it was paused, a person or a site, where that is known. */
const PAUSES: Readonly<Record<PauseCode, (who: string | null) => string>> = {
  byAdmin: (who) => `${who ?? 'an admin'} paused it: \`openward rollouts resume\``,
  waveInconclusive: () => 'the wave gate is inconclusive: `openward rollouts waive`, `abort` or `rollback`',
  toleratedExceeded: () => 'more nodes failed than the plan tolerates: `openward rollouts rollback` or `abort`',
  harmNotice: (who) =>
    `${who ?? 'a site'} sent a notice of harm: look into it, then \`openward rollouts resume --harm\``,
  olderEngine: () => 'a newer control plane wrote it: it goes on there, or when this one is upgraded',
  readOnly: () => 'the control plane is read-only: an admin opens a new epoch',
};

const SITE_WAITS: Readonly<Record<Exclude<WaitCode, 'wave'>, string>> = {
  consentToPrepare: 'the site has not said whether it may be fetched: `openward node offers`',
  consentToActivate: 'the site has not said whether it may serve: `openward node offers`',
  suiteNotAccepted: 'the site has not accepted the suite: `openward node suites accept`',
  deferred: 'the site deferred it',
  window: 'outside the hours in which the release may change',
  gateInconclusive: 'the activation gate is inconclusive: `openward node accept --inconclusive` at the site, or reject',
  resultHeld: 'the site holds its result until its second answer',
  permit: 'it asks for a permit',
  permitRefused: 'its permit was refused',
  otherTransition: 'another service of the node is changing release',
  pinned: 'the site has pinned the service: `openward node unpin`',
  halted: 'the site has halted the service: `openward node resume`',
  chunksMissing: 'chunks are missing from the stream and are being filled in',
  space: 'the disk has too little space',
  network: 'the node does not reach what it needs',
  tooFewItems: 'the site has too few records for the suite',
};

/** What happened, its detail, and then what to do about it. */
const withDetail = (text: string, detail: string | null): string =>
  detail === null ? text : text.replace(/:|$/, (rest) => ` (${detail})${rest}`);

export const waitsOfPause = (pause: Pause): Wait =>
  wait(pause.code, pause.since, 'networkAdmin', withDetail(PAUSES[pause.code](pause.by), pause.detail));

/** What the rollout as a whole waits for. `outOfReach`: since when nodes are not connected. */
export function waitsOfRollout(
  rollout: RolloutState,
  now: number,
  outOfReach: ReadonlyMap<Name, number> = new Map(),
): Wait[] {
  const waits = rollout.pauses.map(waitsOfPause);
  const wave = rollout.waves[rollout.wave];
  if (rollout.life.kind === 'running' && wave?.kind === 'open') {
    const { good, unknown, needed, failed, declined } = tallyWave(rollout, rollout.wave);
    const counts = [`${unknown} unknown`, `${failed} failed`, ...(declined === 0 ? [] : [`${declined} declined`])];
    const needs = whatWaveNeeds(rollout, (node) => waitsOfNode(rollout, node, now, outOfReach.get(node.node) ?? null));
    const what = [
      `wave ${rollout.wave + 1}: ${good} good of ${needed} needed, ${counts.join(', ')}`,
      ...(needs === null ? [] : [needs.why]),
      now < wave.deadline ? `ends ${instant(wave.deadline)}` : `its time ended ${instant(wave.deadline)}`,
    ];
    // Time only ends the wave: its nodes are what it waits for, and once all have spoken it is held by a pause alone.
    const byItself = unknown === 0 && rollout.pauses.length > 0 ? 'networkAdmin' : 'node';
    const clearedBy = now < wave.deadline ? (needs?.clearedBy ?? byItself) : 'networkAdmin';
    waits.push(wait('quorum', wave.since, clearedBy, what.join('; ')));
  }
  if (rollout.life.kind === 'rollingBack') {
    waits.push(
      wait(
        'owed',
        rollout.life.scope.toldSince,
        'node',
        `wave ${rollout.life.scope.at + 1} goes back first: ${rollout.life.why}`,
      ),
    );
  }
  return waits;
}

/** `outOfReachSince`: null where the node is connected, or nobody knows. One that is not does nothing else meanwhile. */
export function waitsOfNode(
  rollout: RolloutState,
  node: NodeState,
  now: number,
  outOfReachSince: number | null = null,
): Wait[] {
  const waits = waitsOfReachable(rollout, node, now);
  if (outOfReachSince === null || waits.length === 0) return waits;
  return [
    wait('unreached', outOfReachSince, 'site', 'the node is not connected: is the agent up at the site, and its line?'),
    // What the node would do by itself it does not do now; what it owes stays to be seen.
    ...waits.filter(({ code, clearedBy }) => code !== 'unreached' && (clearedBy !== 'node' || code === 'owed')),
  ];
}

function waitsOfReachable(rollout: RolloutState, node: NodeState, now: number): Wait[] {
  if (node.takenBy !== null) return [];
  if (owesRollBack(node)) return [waitOfRollBack(rollout, node)];
  const isLive = rollout.life.kind === 'running' || (rollout.life.kind === 'completed' && node.late);
  if (!isLive || hasEnded(node)) return [];
  if (node.phase === null) return [wait('wave', rollout.startedAt, 'time', `wave ${node.wave + 1} has not begun`)];
  if (!isReached(node)) return [waitOfAnswer(node, now, 'it was told of the release')];
  return waitsOfReached(rollout, node, now);
}

/** A node answers within seconds; only one that has not for this long is called unreached. */
const ANSWERS_WITHIN_MS = 30_000;

/** Whoever has reported since it was told is not out of reach, whatever it says. */
function waitOfAnswer({ phaseSince, seen }: NodeState, now: number, told: string): Wait {
  if (seen !== null && seen.at > phaseSince)
    return wait('fetching', phaseSince, 'node', `${told}, and reports, but has not taken it up yet`);
  return now - phaseSince < ANSWERS_WITHIN_MS
    ? wait('fetching', phaseSince, 'node', `${told}, and has not answered yet`)
    : wait(
        'unreached',
        phaseSince,
        'site',
        `${told}, and has not answered: is the agent up at the site, and its line?`,
      );
}

function waitOfRollBack(rollout: RolloutState, node: NodeState): Wait {
  if (isHeldByPin(node, rollout.recalled)) return wait('pinned', node.phaseSince, 'site', SITE_WAITS.pinned);
  const what = node.owedSince === null ? 'it is told to go back' : 'it is out of reach and goes back when it returns';
  return wait('owed', node.owedSince ?? node.phaseSince, 'node', what);
}

const WORKING: Readonly<Partial<Record<NodeStep, { code: Wait['code']; what: string }>>> = {
  offered: { code: 'fetching', what: 'the node looks at what it was offered' },
  fetching: { code: 'fetching', what: 'it fetches' },
  staged: { code: 'evaluating', what: 'it has what it needs, and is about to evaluate' },
  verifying: { code: 'fetching', what: 'it verifies what it fetched' },
  evaluating: { code: 'evaluating', what: 'it evaluates' },
  activating: { code: 'activating', what: 'it switches' },
  probing: { code: 'activating', what: 'it probes the release it switched to' },
};

function waitsOfReached(rollout: RolloutState, node: NodeState, now: number): Wait[] {
  const { said } = node;
  const since = node.saidSince ?? node.phaseSince;
  if (said === null || standingIn(rollout, node) === 'failed') return [];
  const own = said.waitsFor;
  // Beyond its consent a node may still be held by its own site, or by its hours: then no permit would help it.
  const isOfPermit = own === null ? said.step === 'awaitingPermit' : own === 'permit' || own === 'permitRefused';
  if (isOfPermit) return [waitOfPermit(rollout, node, since, now)];
  // One that serves waits for its wave to pass; any other for its wave to begin.
  if (own === 'wave' && isActive(node)) return waitsOfActive(rollout, node, since);
  // What it said before it heard of its wave.
  if (own === 'wave' && node.phase === 'proceed') {
    return [waitOfAnswer(node, now, 'it was told that its wave has begun')];
  }
  if (own === 'wave') return [wait('wave', since, 'time', `wave ${node.wave + 1} has not begun`)];
  if (own !== null) return [wait(own, since, CLEARED_BY[own], withDetail(SITE_WAITS[own], whyInconclusive(own, node)))];
  if (isActive(node)) return waitsOfActive(rollout, node, since);
  if (said.step === 'staged' && node.phase === 'prepare')
    return [wait('wave', since, 'time', `wave ${node.wave + 1} has not begun`)];
  const working = WORKING[said.step];
  if (working !== undefined) {
    const quarters =
      said.step === 'evaluating' && said.progress !== null ? `, ${said.progress} of 4 quarters done` : '';
    return [wait(working.code, since, 'node', `${working.what}${quarters}`)];
  }
  if (node.phase === 'prepare') return [wait('wave', since, 'time', `wave ${node.wave + 1} has not begun`)];
  return [wait('evaluating', since, 'node', `at ${inWords(said.step)}`)];
}

function whyInconclusive(own: WaitCode, { said, judged }: NodeState): string | null {
  const reason = said?.gate?.reason ?? judged?.own?.reason ?? null;
  return own === 'gateInconclusive' && reason !== null ? inWords(reason) : null;
}

function waitOfPermit(rollout: RolloutState, node: NodeState, since: number, now: number): Wait {
  const denial = whyNoPermit(rollout, node, now);
  if (denial === null) return wait('permit', since, 'node', 'a permit is to be had; the node asks');
  const pause = rollout.pauses[0];
  // What stands with the rollout is not said again of each of its nodes.
  if (denial.code === 'paused' && pause !== undefined) {
    return { ...waitsOfPause(pause), what: `the rollout is paused: ${inWords(pause.code)}` };
  }
  if (denial.code === 'concurrencyReached' || denial.code === 'policyNotYet')
    return wait('permit', since, 'time', denial.why);
  if (denial.code === 'gateNotPassed') return wait('gateInconclusive', since, 'site', denial.why);
  if (denial.code === 'evidenceMissing') return wait('permit', since, 'node', denial.why);
  return wait('permitRefused', since, 'networkAdmin', denial.why);
}

function waitsOfActive(rollout: RolloutState, node: NodeState, since: number): Wait[] {
  if (node.permit === null) {
    return [
      wait('permitRefused', since, 'networkAdmin', 'it serves without a permit of this rollout and is not counted'),
    ];
  }
  const isSoaked = node.said?.soak === 'ok' || node.said?.soak === 'tooFewRequests';
  const { soakMs, minRequests } = rollout.plan.settings.soak;
  if (!isSoaked) return [wait('soak', since, 'time', `it is watched for ${lengthInWords(soakMs)} after its switch`)];
  if (node.phase === 'commit' || node.phase === 'complete') return [];
  // Nobody may take it for an alarm: what could be judged was, and it counts.
  const few = `it had fewer than ${minRequests} requests, too few to judge its errors by: its probe and its restarts decided, and it`;
  const what = node.said?.soak === 'tooFewRequests' ? few : 'it';
  return [wait('quorum', since, 'node', `${what} is good, and waits for the wave${othersOfWave(rollout, node)}`)];
}

const MOST_NAMED = 5;

/** Whom an open wave waits for beside this node: ` (for ash, oak)`. */
function othersOfWave(rollout: RolloutState, { node, wave }: NodeState): string {
  if (rollout.waves[wave]?.kind !== 'open') return '';
  const others = nodesOfWave(rollout, wave).filter((it) => it.node !== node && standingIn(rollout, it) === 'unknown');
  const named = others.slice(0, MOST_NAMED).map((it) => it.node);
  const more = others.length > MOST_NAMED ? ` and ${others.length - MOST_NAMED} more` : '';
  return named.length === 0 ? '' : ` (for ${named.join(', ')}${more})`;
}
