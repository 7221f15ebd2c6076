import { assignmentId, instantOf, VerdictReason, VERDICT_OF_REASON, type PermitRefusal } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import type { NodeInput, RolloutEvent } from './events.ts';
import { observe } from './nodes.ts';
import { judgePermit, maxConcurrentOf, retryAfterMs, whyNoPermit } from './permits.ts';
import type { PolicyTimes } from './policy-time.ts';
import type { RolloutState } from './state.ts';
import { aDigest, aRollout, evidenceOf, inputOf, T0 } from './testing-fixtures.ts';
import { waitsOfNode } from './waits.ts';
import { judgeWave, neededGood } from './wave-gate.ts';

const after = (state: RolloutState, ...events: RolloutEvent[]): RolloutState =>
  events.reduce((now, event) => {
    const decision = decide(now, event);
    if (decision.kind === 'refused') throw new Error(decision.why);
    return decision.next;
  }, state);
const tick = (inputs: NodeInput[], now = T0): RolloutEvent => ({ kind: 'tick', now, inputs });
const ready = (state: RolloutState, ...nodes: string[]): RolloutState =>
  after(
    state,
    tick(
      nodes.map((node, index) =>
        inputOf(state, node, index + 1, { step: 'awaitingPermit' }, { evidence: evidenceOf(state, node) }),
      ),
    ),
  );
const askOf = (state: RolloutState, node: string) => ({
  assignment: assignmentId(state.id, node, 1),
  planHash: state.plan.hash,
  release: state.plan.release.digest,
});
const permitted = (state: RolloutState, node: string): RolloutState =>
  after(state, { kind: 'permitAsked', now: T0, node, nonce: 'n', input: null, ...askOf(state, node) });
const two = () => ready(aRollout([['ash', 'oak'], ['elm']], { tolerated: 0 }), 'ash', 'oak');

/** Whose plan was made when its policy could be activated, or by another clock. */
const timed = (times: Partial<PolicyTimes>): RolloutState => {
  const state = two();
  return { ...state, offer: { ...state.offer, policy: { ...state.offer.policy, ...times } } };
};

/** Every refusal, but `readOnly`, which the driver gives before it asks. */
const REFUSALS: Record<
  Exclude<PermitRefusal, 'readOnly'>,
  () => { state: RolloutState; node?: string; at?: number; ask?: object }
> = {
  unknownAssignment: () => ({ state: two(), ask: { assignment: assignmentId('ro-aaaaaaaa', 'ash', 2) } }),
  planChanged: () => ({ state: two(), ask: { planHash: aDigest('another plan') } }),
  notProceeding: () => ({ state: ready(two(), 'elm'), node: 'elm' }),
  paused: () => ({ state: after(two(), { kind: 'pause', now: T0, by: 'ada', detail: null }) }),
  concurrencyReached: () => ({ state: permitted(two(), 'oak') }),
  toleratedExceeded: () => {
    const state = ready(aRollout([['ash', 'oak'], ['elm']], { onFail: 'pause' }), 'ash', 'oak');
    return { state: after(state, tick([inputOf(state, 'oak', 9, { step: 'failed', reason: 'gateFailed' })])) };
  },
  evidenceMissing: () => ({ state: aRollout([['ash']]) }),
  gateNotPassed: () => {
    const state = aRollout([['ash']]);
    return {
      state: after(
        state,
        tick([inputOf(state, 'ash', 1, { step: 'awaitingPermit' }, { evidence: evidenceOf(state, 'ash', 'tooFew') })]),
      ),
    };
  },
  recalled: () => ({ state: after(two(), { kind: 'recall', now: T0, by: 'ada', reason: 'bad' }) }),
  rolloutEnded: () => ({ state: after(two(), { kind: 'abort', now: T0, by: 'ada' }) }),
  deadlinePassed: () => ({ state: two(), at: T0 + 60_000 }),
  policyNotYet: () => ({ state: timed({ notBefore: instantOf(T0 + 1) }) }),
  policyExpired: () => ({ state: timed({ expires: instantOf(T0 + 1) }), at: T0 + 1 }),
};

describe('a permit (R4)', () => {
  for (const code of Object.keys(REFUSALS) as (keyof typeof REFUSALS)[]) {
    it(`is refused: ${code}`, () => {
      const { state, node = 'ash', at = T0, ask = {} } = REFUSALS[code]();
      expect(judgePermit(state, state.nodes[node], { ...askOf(state, node), ...ask }, at)?.code).toBe(code);
    });
  }

  it('waits for the time that its policy names, and is to be had from then on', () => {
    const state = timed({ notBefore: instantOf(T0 + 1) });
    const waitsAt = (now: number) => waitsOfNode(state, state.nodes['ash']!, now)[0];
    const what = expect.stringContaining(`not for use before ${instantOf(T0 + 1)}`) as string;
    expect(waitsAt(T0)).toMatchObject({ code: 'permit', clearedBy: 'time', what });
    expect(waitsAt(T0 + 1)).toMatchObject({ code: 'permit', clearedBy: 'node' });
    expect(whyNoPermit(state, state.nodes['ash']!, T0 + 1)).toBeNull();
  });

  it('is granted on evidence that passed, and asking again replaces it', () => {
    const once = permitted(two(), 'ash');
    const again = after(once, {
      kind: 'permitAsked',
      now: T0 + 1,
      node: 'ash',
      nonce: 'other',
      input: null,
      ...askOf(once, 'ash'),
    });
    expect(again.nodes['ash']?.permit).toEqual({ nonce: 'other', at: T0 + 1, isSpent: false });
  });

  it('is free again when its node reports active, an end, or when its wave’s deadline passes', () => {
    const state = permitted(two(), 'oak');
    const heard = (step: 'active' | 'rejected') => after(state, tick([inputOf(state, 'oak', 9, { step })]));
    expect(whyNoPermit(state, state.nodes['ash']!, T0)?.code).toBe('concurrencyReached');
    expect(whyNoPermit(heard('active'), state.nodes['ash']!, T0)).toBeNull();
    expect(whyNoPermit(heard('rejected'), state.nodes['ash']!, T0)).toBeNull();
    expect(whyNoPermit(state, state.nodes['ash']!, T0 + 60_000)?.code).toBe('deadlinePassed');
  });

  it('asks those who wait for room to come less often the more they are, within 500 ms and 10 s', () => {
    const waiting = (count: number): RolloutState => {
      const names = Array.from({ length: count + 1 }, (_, at) => `n${at}`);
      return permitted(ready(aRollout([names], { maxConcurrent: 1 }), ...names), 'n0');
    };
    const waits = [1, 20, 100, 500].map((count) => retryAfterMs('concurrencyReached', waiting(count), T0));
    expect(waits).toEqual([500, 500, 2500, 10_000]);
    expect(retryAfterMs('evidenceMissing', waiting(500), T0)).toBe(200);
  });

  it('counts the asker’s own report that no tick has seen yet', () => {
    const state = two();
    const input = inputOf(state, 'ash', 9, { step: 'failed', reason: 'probeFailed' });
    const decision = decide(state, {
      kind: 'permitAsked',
      now: T0,
      node: 'ash',
      nonce: 'n',
      input,
      ...askOf(state, 'ash'),
    });
    expect(decision).toMatchObject({ kind: 'refused', refused: 'notProceeding' });
  });

  it('by default a tenth of the wave may hold one, and at least one node', () => {
    const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
    expect(maxConcurrentOf(aRollout([names]))).toBe(2);
    expect(maxConcurrentOf(aRollout([['ash']]))).toBe(1);
    expect(maxConcurrentOf(aRollout([names], { maxConcurrent: 7 }))).toBe(7);
  });

  for (const reason of VerdictReason.options) {
    const verdict = VERDICT_OF_REASON[reason];
    it(`own records say ${reason}: ${verdict === 'pass' ? 'granted' : verdict === 'inconclusive' ? 'granted only if the site waives it' : 'never granted'} (R8, E5)`, () => {
      const state = aRollout([['ash']]);
      const evidence = evidenceOf(state, 'ash', reason, 'withinMargin', { own: verdict });
      const heard = (waivedBySite: boolean) =>
        after(
          state,
          tick([
            inputOf(state, 'ash', 1, { step: 'awaitingPermit', gate: { verdict, reason, waivedBySite } }, { evidence }),
          ]),
        );
      const isGranted = (waived: boolean) => whyNoPermit(heard(waived), heard(waived).nodes['ash']!, T0) === null;
      expect(isGranted(false)).toBe(verdict === 'pass');
      expect(isGranted(true)).toBe(verdict === 'pass' || verdict === 'inconclusive');
    });
    it(`bundled items say ${reason}: ${verdict === 'pass' ? 'granted' : 'never granted, whoever waives it'}`, () => {
      const state = aRollout([['ash']]);
      const evidence = evidenceOf(state, 'ash', 'withinMargin', reason, { bundled: verdict });
      const gate = { verdict, reason, waivedBySite: true };
      const heard = after(state, tick([inputOf(state, 'ash', 1, { step: 'awaitingPermit', gate }, { evidence })]));
      expect(whyNoPermit(heard, heard.nodes['ash']!, T0) === null).toBe(verdict === 'pass');
    });
  }

  it('needs no own verdict where the suite reads no own records', () => {
    const state = aRollout([['ash']]);
    const evidence = evidenceOf(state, 'ash', null);
    const heard = after(state, tick([inputOf(state, 'ash', 1, { step: 'awaitingPermit' }, { evidence })]));
    expect(whyNoPermit(heard, heard.nodes['ash']!, T0)?.code).toBe('gateNotPassed');
    const without = { ...heard, offer: { ...heard.offer, suite: { ...heard.offer.suite, readsSiteData: false } } };
    expect(whyNoPermit(without, without.nodes['ash']!, T0)).toBeNull();
  });
});

describe('the fence (R2)', () => {
  const state = aRollout([['ash']]);
  const ash = state.nodes['ash']!;
  const evidence = evidenceOf(state, 'ash');
  const fields = {
    assignment: assignmentId('ro-aaaaaaaa', 'ash', 2),
    planHash: aDigest('another plan'),
    release: aDigest('another release'),
    variantFile: aDigest('another file'),
    suite: aDigest('another suite'),
  };
  for (const [field, value] of Object.entries(fields)) {
    it(`evidence with another ${field} is not counted`, () => {
      const input = inputOf(state, 'ash', 1, { step: 'awaitingPermit' }, { evidence: { ...evidence, [field]: value } });
      expect(observe(state, ash, input).judged).toBeNull();
    });
  }
  for (const field of ['assignment', 'planHash'] as const) {
    it(`a status with another ${field} is not counted, but the report is seen`, () => {
      const heard = observe(state, ash, inputOf(state, 'ash', 1, { step: 'active', [field]: fields[field] }));
      expect(heard.said).toBeNull();
      expect(heard.seen?.seq).toBe(1);
    });
  }
  it('an older or repeated report changes nothing, from whatever boot it is', () => {
    const heard = observe(state, ash, inputOf(state, 'ash', 5, { step: 'fetching' }));
    for (const seq of [4, 5]) {
      const boot = '00000000-0000-4000-8000-000000000002';
      expect(observe(state, heard, inputOf(state, 'ash', seq, { step: 'active' }, { boot }))).toBe(heard);
    }
  });
  it('a failed verdict is never replaced, an inconclusive one may be', () => {
    const hear = (node: typeof ash, seq: number, own: 'tooFew' | 'withinMargin' | 'marginExceeded') =>
      observe(
        state,
        node,
        inputOf(state, 'ash', seq, { step: 'evaluating' }, { evidence: evidenceOf(state, 'ash', own) }),
      );
    expect(hear(hear(ash, 1, 'tooFew'), 2, 'withinMargin').judged?.own?.verdict).toBe('pass');
    expect(hear(hear(ash, 1, 'marginExceeded'), 2, 'withinMargin').judged?.own?.verdict).toBe('fail');
  });
  it('an attempt that has ended stays ended (N3)', () => {
    const ended = observe(state, ash, inputOf(state, 'ash', 1, { step: 'rejected' }));
    expect(observe(state, ended, inputOf(state, 'ash', 2, { step: 'active', soak: 'ok' })).said?.step).toBe('rejected');
  });
});

describe('the wave gate (R3)', () => {
  it('needs ⌈quorum × nodes⌉ and at least one', () => {
    expect([neededGood(0.5, 3), neededGood(0.07, 100), neededGood(0.01, 3), neededGood(1, 4)]).toEqual([2, 7, 1, 4]);
  });
  const good = (state: RolloutState, ...nodes: string[]): RolloutState => ({
    ...state,
    nodes: {
      ...state.nodes,
      ...Object.fromEntries(
        nodes.map((node) => [
          node,
          observe(
            state,
            { ...state.nodes[node]!, permit: { nonce: 'n', at: T0, isSpent: true } },
            inputOf(state, node, 1, { step: 'active', soak: 'ok' }),
          ),
        ]),
      ),
    },
  });
  it('waits for the unknown until the deadline, though the quorum is there', () => {
    const state = good(aRollout([['ash', 'oak']], { quorum: 0.5 }), 'ash');
    expect(judgeWave(state, T0 + 60_000, T0)).toBe('open');
    expect(judgeWave(state, T0 + 60_000, T0 + 60_000)).toBe('pass');
  });
  it('is inconclusive at the deadline without the quorum, however healthy what it knows is', () => {
    expect(judgeWave(good(aRollout([['ash', 'oak', 'elm']], { quorum: 0.5 }), 'ash'), T0, T0)).toBe('inconclusive');
  });
  it('fails at once when failures exceed what is tolerated, whatever else is good', () => {
    const state = good(aRollout([['ash', 'oak']], { quorum: 0.5, tolerated: 0 }), 'ash');
    const failed = { ...state.nodes['oak']!, hasFailed: true };
    expect(judgeWave({ ...state, nodes: { ...state.nodes, oak: failed } }, T0 + 60_000, T0)).toBe('fail');
  });
});
