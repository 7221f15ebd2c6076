import {
  CLEARED_BY,
  instantOf,
  type Clearer,
  type NodeStep,
  type PauseCode,
  type Wait,
  type WaitCode,
} from '@openward/contracts';
import { hasEnded, isActive, isHeldByPin, isReached, owesRollBack } from './nodes.ts';
import { whyNoPermit } from './permits.ts';
import type { NodeState, Pause, RolloutState } from './state.ts';
import { standingIn, tallyWave } from './wave-gate.ts';

// Why anything waits, since when, and who can clear it: all that an operator has to know.

/** A time in the database's clock as people and the wire write it. */
export const instant = instantOf;

const wait = (code: Wait['code'], since: number, clearedBy: Clearer, what: string): Wait => ({
  code,
  since: instant(since),
  clearedBy,
  what,
});

const PAUSES: Readonly<Record<PauseCode, string>> = {
  byAdmin: 'an admin paused it: `openward rollouts resume`',
  waveInconclusive: 'the wave gate is inconclusive: `openward rollouts waive`, `abort` or `rollback`',
  toleratedExceeded: 'more nodes failed than the plan tolerates: `openward rollouts rollback` or `abort`',
  harmNotice: 'a site sent a notice of harm: look into it, then `openward rollouts resume --harm`',
  olderEngine: 'a newer control plane wrote it: it goes on there, or when this one is upgraded',
  readOnly: 'the control plane is read-only: an admin opens a new epoch',
};

const SITE_WAITS: Readonly<Record<WaitCode, string>> = {
  wave: 'its wave has not begun',
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

export const waitsOfPause = (pause: Pause): Wait =>
  wait(
    pause.code,
    pause.since,
    'networkAdmin',
    pause.detail === null ? PAUSES[pause.code] : `${PAUSES[pause.code]} (${pause.detail})`,
  );

/** What the rollout as a whole waits for. */
export function waitsOfRollout(rollout: RolloutState): Wait[] {
  const waits = rollout.pauses.map(waitsOfPause);
  const wave = rollout.waves[rollout.wave];
  if (rollout.life.kind === 'running' && wave?.kind === 'open') {
    const { good, unknown, needed, failed } = tallyWave(rollout, rollout.wave);
    const what = `wave ${rollout.wave + 1}: ${good} good of ${needed} needed, ${unknown} unknown, ${failed} failed; ends ${instant(wave.deadline)}`;
    waits.push(wait('quorum', wave.since, 'time', what));
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
    ...waits.filter(({ code }) => code !== 'unreached'),
  ];
}

function waitsOfReachable(rollout: RolloutState, node: NodeState, now: number): Wait[] {
  if (node.takenBy !== null) return [];
  if (owesRollBack(node)) return [waitOfRollBack(rollout, node)];
  const isLive = rollout.life.kind === 'running' || (rollout.life.kind === 'completed' && node.late);
  if (!isLive || hasEnded(node)) return [];
  if (node.phase === null) return [wait('wave', rollout.startedAt, 'time', `wave ${node.wave + 1} has not begun`)];
  if (!isReached(node)) {
    return [wait('unreached', node.phaseSince, 'node', 'no report on this assignment: is the agent up, and its link?')];
  }
  return waitsOfReached(rollout, node, now);
}

function waitOfRollBack(rollout: RolloutState, node: NodeState): Wait {
  if (isHeldByPin(node, rollout.recalled)) return wait('pinned', node.phaseSince, 'site', SITE_WAITS.pinned);
  const what = node.owedSince === null ? 'it is told to go back' : 'it is out of reach and goes back when it returns';
  return wait('owed', node.owedSince ?? node.phaseSince, 'node', what);
}

const WORKING: Readonly<Partial<Record<NodeStep, { code: Wait['code']; what: string }>>> = {
  offered: { code: 'fetching', what: 'the node looks at what it was offered' },
  fetching: { code: 'fetching', what: 'it fetches' },
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
  if (own !== null) return [wait(own, since, CLEARED_BY[own], SITE_WAITS[own])];
  if (isActive(node)) return waitsOfActive(rollout, node, since);
  const working = WORKING[said.step];
  if (working !== undefined) {
    const quarters =
      said.step === 'evaluating' && said.progress !== null ? `, ${said.progress} of 4 quarters done` : '';
    return [wait(working.code, since, 'node', `${working.what}${quarters}`)];
  }
  if (node.phase === 'prepare') return [wait('wave', since, 'time', `wave ${node.wave + 1} has not begun`)];
  return [wait('evaluating', since, 'node', `at ${said.step}`)];
}

function waitOfPermit(rollout: RolloutState, node: NodeState, since: number, now: number): Wait {
  const denial = whyNoPermit(rollout, node, now);
  if (denial === null) return wait('permit', since, 'node', 'a permit is to be had; the node asks');
  const pause = rollout.pauses[0];
  if (denial.code === 'paused' && pause !== undefined) return waitsOfPause(pause);
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
  if (!isSoaked) {
    return [wait('soak', since, 'time', `it soaks for ${rollout.plan.settings.soak.soakMs} ms`)];
  }
  if (node.phase === 'commit' || node.phase === 'complete') return [];
  return [wait('quorum', since, 'time', 'it is good and waits for its wave')];
}
