import type { Name, RolloutId } from '@openward/contracts';
import { decide } from './decide.ts';
import type { EngineSettings, RefusalCode, RolloutEvent } from './events.ts';
import type { RolloutStore } from './ports.ts';
import { refusePlan, type PlanRefusal } from './plan-facts.ts';
import { startRollout, type StartOrder } from './start.ts';
import { toWrite } from './tick.driver.ts';

/** What persons and notices ask; the store's clock is put in. */
export type Command = DistributeWithoutNow<Exclude<RolloutEvent, { kind: 'tick' | 'permitAsked' | 'taken' }>>;
type DistributeWithoutNow<E> = E extends unknown ? Omit<E, 'now'> : never;

export type CommandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: RefusalCode | 'readOnly' | 'notFound'; readonly why: string };

/** Pause, resume, abort, roll back, waive, retry, harm and recall: one transaction each. */
export async function command(
  store: RolloutStore,
  id: RolloutId,
  asked: Command,
  settings: EngineSettings,
): Promise<CommandOutcome> {
  const done = await store.turnOne<CommandOutcome>(id, 'all', ({ state, now, inputs, readOnly }) => {
    if (readOnly && !TAKES_AWAY.has(asked.kind)) {
      return { change: null, result: refused('readOnly', 'the control plane is read-only (D6)') };
    }
    // What nodes have said counts before what a person asks: a waiver must not overtake a failure that is already stored.
    const tick = { kind: 'tick', now, inputs, ...(readOnly ? { beginsNothing: true as const } : {}) } as const;
    const ticked = decide(state, tick, settings);
    if (ticked.kind === 'refused') return { change: null, result: refused(ticked.refused, ticked.why) };
    const decision = decide(ticked.next, { ...asked, now }, settings);
    if (decision.kind === 'refused') {
      return { change: toWrite(state, ticked, now, settings), result: refused(decision.refused, decision.why) };
    }
    const both = { next: decision.next, effects: [...ticked.effects, ...decision.effects] };
    return { change: toWrite(state, both, now, settings), result: { kind: 'done' } };
  });
  return done === null ? refused('notFound', `there is no rollout ${id}`) : done.result;
}

/** D6: these only ever take away, so older state than nodes have seen is no reason to keep them from a person in need of them. */
const TAKES_AWAY: ReadonlySet<Command['kind']> = new Set(['pause', 'abort', 'rollBack', 'recall', 'harm']);

const refused = (code: Extract<CommandOutcome, { kind: 'refused' }>['code'], why: string): CommandOutcome => ({
  kind: 'refused',
  code,
  why,
});

export type StartOutcome = { readonly kind: 'started'; readonly id: RolloutId } | PlanRefusal;

/** R5 is judged in the transaction that starts: two starts for a service cannot both find it free. */
export async function start(
  store: RolloutStore,
  service: Name,
  order: Omit<StartOrder, 'now'>,
  settings: EngineSettings,
): Promise<StartOutcome> {
  return store.start<StartOutcome>(service, ({ now, readOnly, others }) => {
    if (readOnly) return { start: null, result: refusePlan('readOnly', 'the control plane is read-only (D6)') };
    const decision = startRollout({ ...order, now }, others, settings);
    if (decision.kind === 'refused') return { start: null, result: decision };
    const written = (it: (typeof decision)['rollout']) => ({ ...toWrite(null, it, now, settings), state: it.next });
    // Of the others no report was read: what one had marked due must not be put off.
    return {
      start: {
        rollout: written(decision.rollout),
        others: decision.others.map((it) => ({ ...written(it), dueAt: now })),
      },
      result: { kind: 'started', id: order.id },
    };
  });
}
