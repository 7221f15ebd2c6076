import type { AssignmentPhase, Name, PauseCode } from '@openward/contracts';
import { assignmentOf } from './assignment.ts';
import type { AuditAction, AuditEntry, Effect } from './events.ts';
import type { NodeState, Pause, RolloutState } from './state.ts';

/**
 * A decision while it is being made: lives within one call of `decide`, which alone sees it change. States themselves are
 * never written to, so a refusal half-way leaves nothing behind.
 */
export interface Draft {
  readonly now: number;
  state: RolloutState;
  readonly effects: Effect[];
}

export const draftOf = (state: RolloutState, now: number): Draft => ({ now, state, effects: [] });

export function setNode(draft: Draft, node: NodeState): void {
  if (draft.state.nodes[node.node] === node) return;
  draft.state = { ...draft.state, nodes: { ...draft.state.nodes, [node.node]: node } };
}

/** Puts the phase into the node's desired state. Saying the same twice is nothing; a node that a newer rollout has is not told. */
export function tell(draft: Draft, name: Name, phase: AssignmentPhase): void {
  const node = draft.state.nodes[name];
  if (node === undefined || node.takenBy !== null || node.phase === phase) return;
  setNode(draft, { ...node, phase, phaseSince: draft.now });
  offer(draft, name);
}

/** Nodes that were refused leave while it was paused rest before they ask again; told the same anew, they ask at once (R4). */
export function tellWhoAwaitsPermits(draft: Draft): void {
  for (const { node, phase, takenBy, said } of Object.values(draft.state.nodes)) {
    if (phase === 'proceed' && takenBy === null && said?.step === 'awaitingPermit') offer(draft, node);
  }
}

/** R2: an assignment is made once for an attempt, so another try is another attempt, with nothing known of it. */
export function offerNextAttempt(
  draft: Draft,
  node: NodeState,
  options: { phase: AssignmentPhase; late: boolean; failed: boolean },
): void {
  setNode(draft, {
    ...node,
    attempt: node.attempt + 1,
    phase: options.phase,
    phaseSince: draft.now,
    late: options.late,
    pastFailures: node.pastFailures + (options.failed ? 1 : 0),
    said: null,
    saidSince: null,
    judged: null,
    hasFailed: false,
    permit: null,
    owedSince: null,
  });
  offer(draft, node.node);
}

function offer(draft: Draft, name: Name): void {
  const assignment = assignmentOf(draft.state, name);
  const site = draft.state.nodes[name]?.site;
  if (assignment === null || site === undefined) return;
  draft.effects.push({ kind: 'setAssignment', node: name, site, assignment });
}

export function note(
  draft: Draft,
  by: string,
  action: AuditAction,
  about: Partial<Pick<AuditEntry, 'wave' | 'node' | 'reason' | 'detail'>> = {},
): void {
  const { id, plan } = draft.state;
  const entry = { wave: null, node: null, reason: null, detail: null, ...about };
  draft.effects.push({
    kind: 'audit',
    entry: { at: draft.now, by, action, rollout: id, planHash: plan.hash, ...entry },
  });
}

/** Adds a reason to the list; one that stands already keeps its date. */
export function addPause(draft: Draft, code: PauseCode, by: string | null, detail: string | null): boolean {
  if (draft.state.pauses.some((pause) => pause.code === code)) return false;
  const pause: Pause = { code, since: draft.now, by, detail };
  draft.state = { ...draft.state, pauses: [...draft.state.pauses, pause] };
  note(draft, by ?? 'engine', 'paused', { reason: code, detail, wave: draft.state.wave });
  return true;
}

export function liftPauses(draft: Draft, codes: readonly PauseCode[]): void {
  const pauses = draft.state.pauses.filter((pause) => !codes.includes(pause.code));
  if (pauses.length !== draft.state.pauses.length) draft.state = { ...draft.state, pauses };
}
