import type { Log, Timers } from '@openward/contracts';
import { decide, dueAt, isOpen } from './decide.ts';
import type { Decision, EngineSettings } from './events.ts';
import type { Change, Loaded, RolloutStore } from './ports.ts';
import { ENGINE_VERSION, type RolloutState } from './state.ts';

/** What a decision wants written; a state that did not change is not written again. */
export function toWrite(
  before: RolloutState | null,
  decided: Pick<Extract<Decision, { kind: 'decided' }>, 'next' | 'effects'>,
  now: number,
  settings: EngineSettings,
): Change {
  const { next, effects } = decided;
  return {
    state: next === before ? null : next,
    effects,
    dueAt: dueAt(next, now, settings),
    open: isOpen(next),
  };
}

/** How long a rollout that cannot be decided is left alone, so that it does not keep the others from their turn. */
const BROKEN_AGAIN_MS = 60_000;

/** One due rollout, or none (false). Whatever came in since its last tick is decided at once, in one transaction (R9). */
export async function tickOnce(store: RolloutStore, log: Log, settings: EngineSettings): Promise<boolean> {
  const done = await store.turnDue(ENGINE_VERSION, (loaded) => {
    try {
      return { change: tick(loaded, settings), result: null };
    } catch (error) {
      const dueAgain = loaded.now + BROKEN_AGAIN_MS;
      const result = { rollout: loaded.state.id, error };
      return { change: { state: null, effects: [], dueAt: dueAgain, open: true }, result };
    }
  });
  if (done?.result) log.error('a rollout cannot be decided', done.result);
  return done !== null;
}

function tick({ state, now, inputs }: Loaded, settings: EngineSettings): Change {
  const decision = decide(state, { kind: 'tick', now, inputs }, settings);
  if (decision.kind === 'refused') throw new Error(`${state.id}: a tick was refused, ${decision.why}`);
  return toWrite(state, decision, now, settings);
}

export interface LoopPorts {
  readonly timers: Timers;
  readonly log: Log;
}

/** Until the signal aborts. Any replica may run it beside others: the store lets each rollout be ticked by one at a time. */
export async function runTicks(
  store: RolloutStore,
  ports: LoopPorts,
  settings: EngineSettings,
  pace: { readonly idleMs: number; readonly afterErrorMs: number },
  signal: AbortSignal,
): Promise<void> {
  await repeat(() => tickOnce(store, ports.log, settings), 'rollout tick failed', ports, pace, signal);
}

/** Works while there is work, rests when there is none, and longer after a failure. A failed turn has written nothing. */
export async function repeat(
  once: () => Promise<boolean>,
  failure: string,
  ports: LoopPorts,
  pace: { readonly idleMs: number; readonly afterErrorMs: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let restMs = pace.idleMs;
    try {
      if (await once()) continue;
    } catch (error) {
      ports.log.error(failure, { error });
      restMs = pace.afterErrorMs;
    }
    await ports.timers.sleep(restMs, signal).catch((reason: unknown) => {
      if (!signal.aborted) throw reason;
    });
  }
}
