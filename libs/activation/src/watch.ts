import { SOAK_FLOOR, type Name } from '@openward/contracts';
import { failBack } from './back.ts';
import { type Attempt, type Held, isSame, type Progress, type Watch } from './model.ts';
import { attemptAt, backOff, type Turn } from './turn.ts';

// N4 and R2: from the switch to the commit the node watches itself, on its own monotonic clock, from its own probe.

const EXITS = 3;
const EXITS_WITHIN_MS = 600_000;
const GRACE_PROBES = 2;
/** A clock that counts in fractions must not bring a look that comes a hair too early, again and again. */
const LEAST_MS = 10;

type Activated = Attempt<Extract<Progress, { readonly at: 'activated' }>>;

export function watch(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'activated');
  if (attempt !== null) {
    soak(turn, service, attempt);
    commitIfTold(turn, service);
  }
  const committed = attemptAt(turn, service, 'committed');
  if (committed?.assignment.phase === 'complete' && !committed.progress.completed) {
    turn.record({ kind: 'completed', service });
  }
  sayWait(turn, service);
}

/** Commit comes when the wave has passed and this node's own soak has ended well; a late wave does not cut it short. */
function commitIfTold(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'activated');
  if (attempt === null || attempt.progress.watch.soak === 'running') return;
  const { phase } = attempt.assignment;
  if (phase === 'commit' || phase === 'complete') turn.record({ kind: 'committed', service });
}

function sayWait(turn: Turn, service: Name): void {
  const { attempt, pinned, halted } = turn.service(service);
  const progress = attempt?.progress;
  if (!attempt || !progress || (progress.at !== 'activated' && progress.at !== 'committed')) {
    if (progress?.at === 'goingBack' || progress?.at === 'ended') turn.change(service, { waits: null });
    return;
  }
  const isHeldBack = pinned && attempt.assignment.phase === 'rollBack';
  const isSoaking = progress.at === 'activated' && progress.watch.soak === 'running';
  const forWave = progress.at === 'activated' && !isSoaking ? 'wave' : null;
  turn.change(service, { waits: isHeldBack ? 'pinned' : halted && isSoaking ? 'halted' : forWave });
}

function soak(turn: Turn, service: Name, attempt: Activated): void {
  const { watch: seen, candidate } = attempt.progress;
  const { soakSince, judgeAt } = turn.work(service);
  if (soakSince === null || !seen.probed || seen.soak !== 'running') return;
  const { soakMs, errorShare, minRequests } = attempt.assignment.soak;
  const { monotonic } = turn.now;
  const elapsed = seen.soakedMs + (monotonic - soakSince);
  if (quarterOf(elapsed, soakMs) > quarterOf(seen.soakedMs, soakMs) && elapsed < soakMs) {
    // A restart takes back at most a quarter of the soak.
    turn.change(service, { soakSince: monotonic });
    note(turn, service, { ...seen, soakedMs: elapsed });
  }
  if (judgeAt !== null && monotonic < judgeAt) return;
  const final = elapsed >= soakMs;
  const every = final ? 2_000 : Math.min(30_000, Math.max(250, soakMs / 20), Math.max(LEAST_MS, soakMs - elapsed));
  turn.change(service, { judgeAt: monotonic + every });
  // Whatever the plan says: with less, the end of a soak would tell the network of single questions.
  const limits = {
    final,
    errorShare: Math.max(errorShare, SOAK_FLOOR.errorShare),
    minRequests: Math.max(minRequests, SOAK_FLOOR.minRequests),
    minFailed: SOAK_FLOOR.minFailed,
  };
  turn.emit({ kind: 'judge', service, held: candidate, limits });
}

const quarterOf = (ms: number, soakMs: number): number => (soakMs === 0 ? 4 : Math.floor((4 * ms) / soakMs));

/** Only verdicts of the final look end the soak; a share that is over its limit ends it whenever it is seen (R3). */
export function judged(
  turn: Turn,
  service: Name,
  held: Held,
  final: boolean,
  verdict: 'ok' | 'over' | 'tooFewRequests',
): void {
  const attempt = attemptAt(turn, service, 'activated');
  if (attempt === null || !isSame(attempt.progress.candidate, held)) return;
  const { watch: seen } = attempt.progress;
  const { soakSince } = turn.work(service);
  if (!seen.probed || seen.soak !== 'running' || soakSince === null) return;
  if (verdict === 'over') {
    note(turn, service, { ...seen, soak: 'over' });
    return failBack(turn, service, 'soakErrorsOver');
  }
  if (!final) return;
  turn.change(service, { soakSince: null, judgeAt: null });
  note(turn, service, { ...seen, soak: verdict, soakedMs: attempt.assignment.soak.soakMs });
}

export function probed(
  turn: Turn,
  service: Name,
  task: number,
  result: 'ok' | 'failed' | 'timedOut',
  reference: string,
): void {
  const { probe, graceProbes } = turn.work(service);
  if (probe.state !== 'running' || probe.task !== task) return;
  const attempt = attemptAt(turn, service, 'activated');
  if (result === 'ok') {
    turn.change(service, { probe: { state: 'passed' }, graceProbes: 0 });
    if (attempt === null) return;
    const { watch: seen } = attempt.progress;
    if (seen.soak === 'running') turn.change(service, { soakSince: turn.now.monotonic, judgeAt: null });
    if (!seen.probed) note(turn, service, { ...seen, probed: true });
    return;
  }
  const tries = probe.tries + 1;
  turn.change(service, { probe: { state: 'resting', tries, until: turn.now.monotonic + backOff(tries) } });
  if (attempt === null) return;
  if (graceProbes > 0) return turn.change(service, { graceProbes: graceProbes - 1 });
  failBack(turn, service, result === 'timedOut' ? 'probeTimedOut' : 'probeFailed', reference);
}

/**
 * A runtime's process ended. Whatever was loaded is asked for again, and the probe must pass again before the soak goes on.
 * Before the commit the third exit in ten minutes sends the node back; after it the release is never changed, and its loads
 * are spaced out (N4).
 */
export function runtimeExited(turn: Turn, service: Name): void {
  const { monotonic } = turn.now;
  const exits = [...turn.work(service).exits, monotonic].filter((at) => monotonic - at < EXITS_WITHIN_MS);
  pauseSoak(turn, service);
  turn.cancelProbe(service);
  const { active } = turn.service(service);
  const until = monotonic + (exits.length > 1 ? backOff(exits.length - 1) : 0);
  turn.change(service, {
    exits,
    loaded: [],
    graceProbes: GRACE_PROBES,
    loadRests: active === null ? {} : { [active.key]: { tries: exits.length, until } },
    probe: active === null ? { state: 'none' } : { state: 'resting', tries: exits.length, until },
  });
  if (attemptAt(turn, service, 'activated') === null) return;
  if (exits.length >= EXITS) return failBack(turn, service, 'runtimeExited');
  countRestart(turn, service);
}

/** The agent has started anew: the gateway has to be told again, and the soak waits for the probe (R2). */
export function restarted(turn: Turn, service: Name): void {
  turn.change(service, { graceProbes: GRACE_PROBES });
  countRestart(turn, service);
}

function countRestart(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'activated');
  if (attempt === null) return;
  const { watch: seen } = attempt.progress;
  const restarts = seen.restarts + 1;
  note(turn, service, { ...seen, restarts });
  if (seen.soak === 'running' && restarts > attempt.assignment.soak.restarts) {
    failBack(turn, service, 'soakRestartsOver');
  }
}

/** What has been soaked so far counts, once the probe passes again. */
export function pauseSoak(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'activated');
  const { soakSince } = turn.work(service);
  if (attempt !== null && soakSince !== null) {
    const { watch: seen } = attempt.progress;
    note(turn, service, { ...seen, soakedMs: seen.soakedMs + (turn.now.monotonic - soakSince) });
  }
  turn.change(service, { soakSince: null, judgeAt: null });
}

const note = (turn: Turn, service: Name, seen: Watch): void => turn.record({ kind: 'watched', service, watch: seen });
