import {
  AssignmentId,
  type Name,
  type PermitRefusal,
  type PermitReply,
  type PermitRequest,
  type RolloutId,
} from '@openward/contracts';
import { decide } from './decide.ts';
import type { EngineSettings } from './events.ts';
import { isPermitRefusal, retryAfterMs } from './permits.ts';
import type { RolloutStore } from './ports.ts';
import type { RolloutState } from './state.ts';
import { toWrite } from './tick.driver.ts';

type Answer = PermitReply['answer'];

/**
 * Answers a verified request of `node` (R4). A grant is committed before it is answered: a permit that nobody has on record
 * would not be counted. If the answer is lost the node asks again with a new nonce, which replaces the permit.
 */
export async function answerPermit(
  store: RolloutStore,
  node: Name,
  request: PermitRequest,
  settings: EngineSettings,
): Promise<PermitReply> {
  const answer = await judge(store, node, request, settings);
  return { v: 1, nonce: request.nonce, answer };
}

async function judge(
  store: RolloutStore,
  node: Name,
  request: PermitRequest,
  settings: EngineSettings,
): Promise<Answer> {
  const rollout = rolloutOf(request.assignment);
  if (rollout === null) return refuse('unknownAssignment', null, 0);
  const done = await store.turnOne<Answer>(rollout, [node], ({ state, now, inputs, readOnly }) => {
    if (readOnly) return { change: null, result: refuse('readOnly', state, now) };
    const { assignment, planHash, release, nonce } = request;
    const input = inputs.find((it) => it.node === node) ?? null;
    const event = { kind: 'permitAsked', now, node, assignment, planHash, release, nonce, input } as const;
    const decision = decide(state, event, settings);
    if (decision.kind === 'refused') {
      return { change: null, result: refuse(permitCode(decision.refused), state, now) };
    }
    const lifetimeMs = settings.permitLifetimeMs;
    const result = { granted: true, assignment, planHash, release, lifetimeMs } as const;
    // Only the asker's report was read: what others' reports had marked due must not be put off.
    return { change: { ...toWrite(state, decision, now, settings), dueAt: now }, result };
  });
  return done === null ? refuse('unknownAssignment', null, 0) : done.result;
}

const refuse = (why: PermitRefusal, rollout: RolloutState | null, now: number): Answer => ({
  granted: false,
  why,
  retryAfterMs: retryAfterMs(why, rollout, now),
});

/** A rollout of a newer engine is another replica's to permit; this one is, to the node, read-only (V2). */
const permitCode = (code: string): PermitRefusal => (isPermitRefusal(code) ? code : 'readOnly');

const rolloutOf = (assignment: string): RolloutId | null =>
  AssignmentId.safeParse(assignment).success ? (assignment.split('.')[0] ?? null) : null;
