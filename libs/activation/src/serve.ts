import type { Name, ReasonCode } from '@openward/contracts';
import { endUnchanged, failBack, stopNow } from './back.ts';
import { type Chain, type Held, isSame, type Rest } from './model.ts';
import { isAnotherInTransition } from './transition.ts';
import { attemptAt, backOff, heldOf, type Turn } from './turn.ts';

// Brings gateway and runtime to what the journal says: the same path at a start, at a switch, at going back, at a resume.

/** Before the commit, of a load and of a switch. */
const TRIES = 5;
const PROBE_AGAIN_TIMEOUT_MS = 30_000;

export function converge(turn: Turn, service: Name): void {
  load(turn, service);
  switchOver(turn, service);
  probe(turn, service);
  arrive(turn, service);
}

function switchOver(turn: Turn, service: Name): void {
  const { active, halted } = turn.service(service);
  const { served, switching, loaded, switchRests } = turn.work(service);
  if (active === null || halted) {
    if (served !== null || switching !== null) stopNow(turn, service, halted ? 'halted' : 'noRelease');
    return;
  }
  if (isSame(served, active) || isSame(switching, active)) return;
  const rests = turn.now.monotonic < (switchRests[active.release]?.until ?? 0);
  if (loaded.includes(active.key) && !rests) {
    turn.cancelProbe(service);
    turn.change(service, { switching: active });
    turn.emit({ kind: 'switchTo', service, held: active });
  } else if (served !== null || switching !== null) {
    // What was served until now is no longer to be, and what is to be is not there yet, or cannot be switched to.
    stopNow(turn, service, served === undefined ? 'loading' : 'goingBack');
  }
}

export function switched(turn: Turn, service: Name, held: Held): void {
  if (!isSame(turn.work(service).switching, held)) return;
  const { [held.release]: _, ...switchRests } = turn.work(service).switchRests;
  turn.change(service, { switching: null, served: held, probe: { state: 'none' }, switchRests });
}

/**
 * The switch of one release failed: its documents, or its policy with the site's terms. Another one of the same key has done nothing,
 * and the runtime holds the model as before.
 */
export function switchFailed(turn: Turn, service: Name, held: Held, reference: string): void {
  if (!isSame(turn.work(service).switching, held)) return;
  const { switchRests } = turn.work(service);
  const rest = restAfter(turn, switchRests[held.release]);
  turn.change(service, { switching: null, switchRests: { ...switchRests, [held.release]: rest } });
  const reason = rest.tries >= TRIES ? 'switchFailed' : null;
  fault(turn, service, (other) => isSame(other, held), { reason, isCertain: false, reference });
}

function probe(turn: Turn, service: Name): void {
  const { active, halted, attempt } = turn.service(service);
  const { served, loaded, probe: at } = turn.work(service);
  if (active === null || halted || !isSame(served, active) || !loaded.includes(active.key)) return;
  if (at.state === 'running' || at.state === 'passed') return;
  if (at.state === 'resting' && turn.now.monotonic < at.until) return;
  const task = turn.task();
  turn.change(service, { probe: { state: 'running', task, tries: at.state === 'resting' ? at.tries : 0 } });
  const timeoutMs = attempt?.assignment.soak.probeTimeoutMs ?? PROBE_AGAIN_TIMEOUT_MS;
  turn.emit({ kind: 'probe', service, task, held: active, timeoutMs });
}

/** Going back has ended when the gateway serves its target, or nothing where that is the target. */
function arrive(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'goingBack');
  if (attempt === null) return;
  const { served, switching } = turn.work(service);
  const { end } = attempt.progress;
  const { halted, active } = turn.service(service);
  const isThere = halted || (active === null ? served === null : isSame(served, active));
  if (isThere && switching === null) turn.record({ kind: 'ended', service, end });
}

/** In the order in which they are needed. */
function wantedInMemory(turn: Turn, service: Name): readonly Held[] {
  const { active, attempt } = turn.service(service);
  const progress = attempt?.progress;
  const wanted = [active];
  // R6: the target stays loaded until the rollout ends, so that going back needs no load.
  if (progress?.at === 'activated') wanted.push(progress.target, progress.before);
  if (progress?.at === 'committed' && !progress.completed) wanted.push(progress.target);
  if (progress?.at === 'staged' || progress?.at === 'evaluated') wanted.push(progress.candidate);
  return wanted.filter((held) => held !== null).filter((held) => !turn.isRecalled(held.release));
}

function load(turn: Turn, service: Name): void {
  const wanted = wantedInMemory(turn, service);
  const { loaded, served, switching } = turn.work(service);
  for (const key of loaded) {
    if (wanted.some((held) => held.key === key) || key === served?.key || key === switching?.key) continue;
    turn.change(service, { loaded: turn.work(service).loaded.filter((other) => other !== key) });
    turn.emit({ kind: 'unload', service, key });
  }
  if (turn.work(service).loading !== null) return;
  const next = wanted.find((held) => isLoadable(turn, service, held));
  if (next === undefined) return;
  const task = turn.task();
  turn.change(service, { loading: { key: next.key, task } });
  turn.emit({ kind: 'load', service, task, held: next });
}

function isLoadable(turn: Turn, service: Name, held: Held): boolean {
  const { loaded, loadRests } = turn.work(service);
  if (loaded.includes(held.key) || turn.now.monotonic < (loadRests[held.key]?.until ?? 0)) return false;
  const { attempt } = turn.service(service);
  const isCandidate = attempt?.progress.at === 'staged' && attempt.progress.candidate.key === held.key;
  return !isCandidate || held.chain !== null || !isAnotherInTransition(turn, service);
}

/** N8: released digest, file verified, digest that the runtime reports: the first time written down, later compared. */
export function loaded(turn: Turn, service: Name, task: number, chain: Chain): void {
  const held = takeLoading(turn, service, task);
  if (held === null) return;
  const expected: Chain = held.chain ?? chainOf(held);
  if (expected.base !== chain.base || expected.adapter !== chain.adapter) {
    turn.emit({ kind: 'unload', service, key: held.key });
    return loadFault(turn, service, held.key, 'digestMismatch', '');
  }
  if (held.chain === null) turn.record({ kind: 'chained', service, key: held.key, chain: expected });
  const { [held.key]: _, ...loadRests } = turn.work(service).loadRests;
  turn.change(service, { loaded: [...turn.work(service).loaded, held.key], loadRests });
}

const chainOf = ({ artifact, base }: Held): Chain =>
  base === undefined ? { base: artifact.file } : { base: base.file, adapter: artifact.file };

export function loadFailed(turn: Turn, service: Name, task: number, code: ReasonCode | null, reference: string): void {
  const held = takeLoading(turn, service, task);
  if (held !== null) loadFault(turn, service, held.key, code, reference);
}

/** Of what was being loaded, one release; null where the task is another's, or none is wanted any more (it is unloaded then). */
function takeLoading(turn: Turn, service: Name, task: number): Held | null {
  const { loading } = turn.work(service);
  if (loading?.task !== task) return null;
  turn.change(service, { loading: null });
  const held = heldOf(turn.service(service)).find((other) => other.key === loading.key);
  if (held === undefined) turn.emit({ kind: 'unload', service, key: loading.key });
  return held ?? null;
}

/** Files that cannot be loaded fail every release that they are of. */
function loadFault(turn: Turn, service: Name, key: string, code: ReasonCode | null, reference: string): void {
  const { loadRests } = turn.work(service);
  const rest = restAfter(turn, loadRests[key]);
  turn.change(service, { loadRests: { ...loadRests, [key]: rest } });
  const reason = code ?? (rest.tries >= TRIES ? 'modelNotLoadable' : null);
  fault(turn, service, (held) => held?.key === key, { reason, isCertain: code !== null, reference });
}

function restAfter({ now }: Turn, before: Rest | undefined): Rest {
  const tries = (before?.tries ?? 0) + 1;
  return { tries, until: now.monotonic + backOff(tries) };
}

/** `reason` is null while it is tried again; `isCertain`: it was said outright, and trying again would not help. */
interface Fault {
  readonly reason: ReasonCode | null;
  readonly isCertain: boolean;
  readonly reference: string;
}

/** What cannot be loaded, or switched to: an end for a candidate, a way back before the commit, patience after it. */
function fault(
  turn: Turn,
  service: Name,
  concerns: (held: Held | null) => boolean,
  { reason, isCertain, reference }: Fault,
): void {
  if (reason === null) return;
  const progress = turn.attempt(service)?.progress;
  const because = reference === '' ? undefined : reference;
  if (progress?.at === 'staged' || progress?.at === 'evaluated') {
    if (concerns(progress.candidate)) endUnchanged(turn, service, 'failed', reason, because);
  } else if (progress?.at === 'activated') {
    if (concerns(progress.candidate)) failBack(turn, service, reason, because);
  } else if (progress?.at === 'goingBack') {
    // The target is tried again for ever, but the network is told that it did not come up.
    if (concerns(progress.to) && isCertain) {
      turn.record({ kind: 'ended', service, end: { ...progress.end, outcome: 'unableToRollBack' } });
    }
  }
}
