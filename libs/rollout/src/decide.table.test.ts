import type { NodeStanding, NodeStep, RolloutStatus, SoakState } from '@openward/contracts';
import { assignmentId } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import type { NodeInput, RefusalCode, RolloutEvent } from './events.ts';
import { standingOf } from './nodes.ts';
import type { Life, RolloutState } from './state.ts';
import { aRollout, evidenceOf, inputOf, T0 } from './testing-fixtures.ts';
import { statusOf } from './view.ts';

type StateName = Life['kind'] | 'paused' | 'inconclusive' | 'toleranceExceeded';
type Expected = RolloutStatus | `refused ${RefusalCode}`;

/** Without `Partial`: a new state or event does not compile until its row or column is filled. */
const TABLE: Record<StateName, Record<RolloutEvent['kind'], Expected>> = {
  running: {
    tick: 'running',
    pause: 'paused',
    resume: 'refused notPaused',
    abort: 'aborted',
    rollBack: 'rolledBack',
    waive: 'refused waveNotInconclusive',
    retry: 'refused notEnded',
    permitAsked: 'running',
    harm: 'paused',
    recall: 'rolledBack',
    taken: 'aborted',
  },
  paused: {
    tick: 'paused',
    pause: 'refused alreadyPaused',
    resume: 'running',
    abort: 'aborted',
    rollBack: 'rolledBack',
    waive: 'refused waveNotInconclusive',
    retry: 'refused notEnded',
    permitAsked: 'refused paused',
    harm: 'paused',
    recall: 'rolledBack',
    taken: 'aborted',
  },
  inconclusive: {
    tick: 'paused',
    pause: 'paused',
    resume: 'refused notPaused',
    abort: 'aborted',
    rollBack: 'rolledBack',
    waive: 'running',
    retry: 'refused notEnded',
    permitAsked: 'refused deadlinePassed',
    harm: 'paused',
    recall: 'rolledBack',
    taken: 'aborted',
  },
  toleranceExceeded: {
    tick: 'paused',
    pause: 'paused',
    resume: 'refused notPaused',
    abort: 'aborted',
    rollBack: 'rolledBack',
    waive: 'refused waveNotInconclusive',
    retry: 'refused toleratedExceeded',
    permitAsked: 'refused notProceeding',
    harm: 'paused',
    recall: 'rolledBack',
    taken: 'aborted',
  },
  rollingBack: {
    tick: 'rollingBack',
    pause: 'refused notRunning',
    resume: 'refused notPaused',
    abort: 'refused notRunning',
    rollBack: 'refused notRunning',
    waive: 'refused notRunning',
    retry: 'refused notRunning',
    permitAsked: 'refused rolloutEnded',
    harm: 'rollingBack',
    recall: 'rollingBack',
    taken: 'refused notEnded',
  },
  completed: {
    tick: 'completed',
    pause: 'completed',
    resume: 'refused notPaused',
    abort: 'refused notRunning',
    rollBack: 'refused rolloutEnded',
    waive: 'refused notRunning',
    retry: 'refused notEnded',
    permitAsked: 'refused rolloutEnded',
    harm: 'completed',
    recall: 'completed',
    taken: 'completed',
  },
  aborted: {
    tick: 'aborted',
    pause: 'refused notRunning',
    resume: 'refused notPaused',
    abort: 'refused notRunning',
    rollBack: 'rollingBack',
    waive: 'refused notRunning',
    retry: 'refused notRunning',
    permitAsked: 'refused rolloutEnded',
    harm: 'aborted',
    recall: 'rollingBack',
    taken: 'aborted',
  },
  rolledBack: {
    tick: 'rolledBack',
    pause: 'refused notRunning',
    resume: 'refused notPaused',
    abort: 'refused notRunning',
    rollBack: 'refused nothingToTakeBack',
    waive: 'refused notRunning',
    retry: 'refused notRunning',
    permitAsked: 'refused rolloutEnded',
    harm: 'rolledBack',
    recall: 'rolledBack',
    taken: 'rolledBack',
  },
};

function after(state: RolloutState, event: RolloutEvent): RolloutState {
  const decision = decide(state, event);
  if (decision.kind === 'refused') throw new Error(decision.why);
  return decision.next;
}

const tick = (now: number, ...inputs: NodeInput[]): RolloutEvent => ({ kind: 'tick', now, inputs });
const ask = (state: RolloutState, node: string, now: number): RolloutEvent => ({
  kind: 'permitAsked',
  now,
  node,
  assignment: assignmentId(state.id, node, state.nodes[node]?.attempt ?? 1),
  planHash: state.plan.hash,
  release: state.plan.release.digest,
  nonce: 'n'.repeat(22),
  input: null,
});

function goActive(state: RolloutState, node: string, now: number): RolloutState {
  const seq = (state.nodes[node]?.seen?.seq ?? 0) + 1;
  const ready = after(
    state,
    tick(now, inputOf(state, node, seq, { step: 'awaitingPermit' }, { evidence: evidenceOf(state, node) })),
  );
  const permitted = after(ready, ask(ready, node, now));
  return after(permitted, tick(now, inputOf(permitted, node, seq + 1, { step: 'active', soak: 'running' })));
}

function goGood(state: RolloutState, node: string, now: number): RolloutState {
  const active = goActive(state, node, now);
  const seq = (active.nodes[node]?.seen?.seq ?? 0) + 1;
  return after(active, tick(now, inputOf(active, node, seq, { step: 'active', soak: 'ok' })));
}

const LATER = T0 + 10_000;
const BY = { now: LATER, by: 'ada' } as const;
const start = (settings: Record<string, unknown> = {}) => aRollout([['ash'], ['oak']], settings);
const ready = () => {
  const state = start();
  const input = inputOf(state, 'ash', 1, { step: 'awaitingPermit' }, { evidence: evidenceOf(state, 'ash') });
  return after(state, tick(LATER, input));
};
const rollingBack = () => after(goActive(start(), 'ash', LATER), { kind: 'rollBack', reason: 'it is bad', ...BY });

/** Each in the state that its name says; `at` is when the event comes. */
const STATES: Record<StateName, () => { state: RolloutState; at: number }> = {
  running: () => ({ state: ready(), at: LATER }),
  paused: () => ({ state: after(ready(), { kind: 'pause', detail: null, ...BY }), at: LATER }),
  inconclusive: () => ({ state: after(start(), tick(T0 + 60_000)), at: T0 + 60_001 }),
  toleranceExceeded: () => {
    const state = start({ onFail: 'pause' });
    return {
      state: after(state, tick(LATER, inputOf(state, 'ash', 1, { step: 'failed', reason: 'gateFailed' }))),
      at: LATER,
    };
  },
  rollingBack: () => ({ state: rollingBack(), at: LATER }),
  completed: () => ({ state: goGood(goGood(start(), 'ash', LATER), 'oak', LATER), at: LATER }),
  aborted: () => ({ state: after(goActive(start(), 'ash', LATER), { kind: 'abort', ...BY }), at: LATER }),
  rolledBack: () => {
    const state = rollingBack();
    const back = inputOf(state, 'ash', 9, { step: 'rolledBack', outcome: 'rolledBack', reason: 'rolledBackByNetwork' });
    return { state: after(state, tick(LATER, back)), at: LATER };
  },
};

const EVENTS: Record<RolloutEvent['kind'], (state: RolloutState, now: number) => RolloutEvent> = {
  tick: (_, now) => tick(now),
  pause: (_, now) => ({ kind: 'pause', now, by: 'ada', detail: null }),
  resume: (_, now) => ({ kind: 'resume', now, by: 'ada', codes: ['byAdmin'] }),
  abort: (_, now) => ({ kind: 'abort', now, by: 'ada' }),
  rollBack: (_, now) => ({ kind: 'rollBack', now, by: 'ada', reason: 'it is bad' }),
  waive: (_, now) => ({ kind: 'waive', now, by: 'ada', wave: 0, reason: 'the link is down' }),
  retry: (_, now) => ({ kind: 'retry', now, by: 'ada', node: 'ash' }),
  permitAsked: (state, now) => ask(state, 'ash', now),
  harm: (_, now) => ({ kind: 'harm', now, site: 'ash-hospital', detail: null }),
  recall: (_, now) => ({ kind: 'recall', now, by: 'ada', reason: 'it is bad' }),
  taken: (_, now) => ({ kind: 'taken', now, by: 'ada', rollout: 'ro-bbbbbbbb', nodes: ['ash'] }),
};

describe('the rollout machine, state by state and event by event', () => {
  for (const name of Object.keys(TABLE) as StateName[]) {
    for (const kind of Object.keys(TABLE[name]) as RolloutEvent['kind'][]) {
      it(`${name}, ${kind}: ${TABLE[name][kind]}`, () => {
        const { state, at } = STATES[name]();
        const decision = decide(state, EVENTS[kind](state, at));
        const seen = decision.kind === 'refused' ? `refused ${decision.refused}` : statusOf(decision.next);
        expect(seen).toBe(TABLE[name][kind]);
      });
    }
  }

  it('leaves a row of a newer engine alone (V2)', () => {
    const state = { ...start(), engine: 99 };
    expect(decide(state, tick(LATER))).toMatchObject({ kind: 'refused', refused: 'newerEngine' });
  });
});

/** R3, for a node that holds a permit. Without a soak's end nobody is good; a node that ended is what its end says. */
const STANDINGS: Record<NodeStep, Record<SoakState | 'none', NodeStanding>> = {
  offered: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  awaitingPreparation: {
    none: 'unknown',
    running: 'unknown',
    ok: 'unknown',
    over: 'failed',
    tooFewRequests: 'unknown',
  },
  fetching: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  verifying: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  staged: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  evaluating: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  awaitingConsent: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  awaitingPermit: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  activating: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  probing: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  active: { none: 'unknown', running: 'unknown', ok: 'good', over: 'failed', tooFewRequests: 'good' },
  committed: { none: 'unknown', running: 'unknown', ok: 'good', over: 'failed', tooFewRequests: 'good' },
  failed: { none: 'failed', running: 'failed', ok: 'failed', over: 'failed', tooFewRequests: 'failed' },
  rejected: { none: 'declined', running: 'declined', ok: 'declined', over: 'declined', tooFewRequests: 'declined' },
  superseded: { none: 'unknown', running: 'unknown', ok: 'unknown', over: 'failed', tooFewRequests: 'unknown' },
  rolledBack: { none: 'failed', running: 'failed', ok: 'failed', over: 'failed', tooFewRequests: 'failed' },
};

describe('what a report makes of a node (R3)', () => {
  const base = { ...start().nodes['ash']!, permit: { nonce: 'n', at: T0, isSpent: true } };
  const said = { restarts: 0, outcome: null, reason: null, waitsFor: null, gate: null, progress: null };
  for (const step of Object.keys(STANDINGS) as NodeStep[]) {
    for (const soak of Object.keys(STANDINGS[step]) as (SoakState | 'none')[]) {
      it(`${step}, soak ${soak}: ${STANDINGS[step][soak]}`, () => {
        const node = { ...base, said: { ...said, step, soak: soak === 'none' ? null : soak } };
        expect(standingOf(node, 3)).toBe(STANDINGS[step][soak]);
      });
    }
  }

  it('more than the allowed restarts during the soak are a failure, after it they are not (R2)', () => {
    const node = (soak: SoakState) => ({ ...base, said: { ...said, step: 'active' as const, soak, restarts: 4 } });
    expect(standingOf(node('running'), 3)).toBe('failed');
    expect(standingOf(node('ok'), 3)).toBe('good');
  });

  it('going back at the network’s word is no failure of the release', () => {
    const node = {
      ...base,
      said: { ...said, step: 'rolledBack' as const, soak: null, reason: 'rolledBackByNetwork' as const },
    };
    expect(standingOf(node, 3)).toBe('unknown');
  });

  it('a node that serves without our permit is not counted as good (R4)', () => {
    const node = { ...base, permit: null, said: { ...said, step: 'active' as const, soak: 'ok' as const } };
    expect(standingOf(node, 3)).toBe('unknown');
  });
});
