import { assignmentId, RolloutView, type NodeStep, type SoakState, type VerdictReason } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, dueAt, isOpen } from './decide.ts';
import type { Effect, NodeInput, RolloutEvent } from './events.ts';
import { isHeldByPin, owesRollBack, tookRelease } from './nodes.ts';
import { maxConcurrentOf, outstandingPermits } from './permits.ts';
import type { RolloutState } from './state.ts';
import { aRollout, evidenceOf, inputOf, T0 } from './testing-fixtures.ts';
import { viewOf } from './view.ts';
import { failuresOf, isToleranceExceeded, nodesOf } from './wave-gate.ts';

// SPEC.md's invariants over random orders of events, also of those that no sane node or person would send. After each event
// every invariant is looked at again.

const STEPS: readonly NodeStep[] = [
  'offered',
  'fetching',
  'staged',
  'evaluating',
  'awaitingConsent',
  'awaitingPermit',
  'awaitingPermit',
  'activating',
  'probing',
  'active',
  'active',
  'active',
  'committed',
  'failed',
  'rejected',
  'superseded',
  'rolledBack',
];
const SOAKS: readonly (SoakState | undefined)[] = [undefined, 'running', 'ok', 'ok', 'ok', 'over', 'tooFewRequests'];
const NAMES = ['ash', 'oak', 'elm', 'fir', 'yew', 'box'] as const;

type Op =
  | {
      readonly op: 'report';
      readonly node: number;
      readonly step: NodeStep;
      readonly soak: SoakState | undefined;
      readonly pinned: boolean;
      readonly stale: boolean;
    }
  | { readonly op: 'evidence'; readonly node: number; readonly own: VerdictReason; readonly bundled: VerdictReason }
  /** What a node that fares well does, so that random orders also reach the end. */
  | { readonly op: 'fareWell'; readonly node: number }
  | { readonly op: 'ask'; readonly node: number }
  | { readonly op: 'wait'; readonly ms: number }
  | {
      readonly op: 'person';
      readonly event: 'pause' | 'resume' | 'abort' | 'rollBack' | 'waive' | 'harm' | 'recall' | 'taken';
    }
  | { readonly op: 'retry'; readonly node: number };

const node = fc.nat(5);
const report = fc.record({
  op: fc.constant('report' as const),
  node,
  step: fc.constantFrom(...STEPS),
  soak: fc.constantFrom(...SOAKS),
  pinned: fc.boolean(),
  stale: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
});
const evidence = fc.record({
  op: fc.constant('evidence' as const),
  node,
  own: fc.constantFrom<VerdictReason>('withinMargin', 'withinMargin', 'tooFew', 'marginExceeded'),
  bundled: fc.constantFrom<VerdictReason>('withinMargin', 'withinMargin', 'withinMargin', 'ceilingBroken'),
});
const fareWell = fc.record({ op: fc.constant('fareWell' as const), node });
const ask = fc.record({ op: fc.constant('ask' as const), node });
const wait = fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(100, 5_000, 31_000, 61_000) });
const retry = fc.record({ op: fc.constant('retry' as const), node });
const person = fc.record({
  op: fc.constant('person' as const),
  event: fc.constantFrom<Extract<Op, { op: 'person' }>['event']>(
    ...(['pause', 'resume', 'resume', 'abort', 'rollBack', 'waive', 'waive', 'harm', 'recall', 'taken'] as const),
  ),
});

const of = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const wild: fc.Arbitrary<Op> = fc.oneof(
  of(4, report),
  of(2, evidence),
  of(8, fareWell),
  of(3, ask),
  of(2, wait),
  of(1, person),
  of(1, retry),
);
/** Mostly nodes that fare well, so that late waves, completion and rollbacks are reached too. */
const calm: fc.Arbitrary<Op> = fc.oneof(of(60, fareWell), of(2, wait), of(1, person), of(1, evidence), of(1, retry));
const opsArbitrary: fc.Arbitrary<Op[]> = fc.oneof(
  fc.array(wild, { maxLength: 60 }),
  fc.array(calm, { minLength: 20, maxLength: 90 }),
);

const settingsArbitrary = fc.record({
  quorum: fc.constantFrom(1, 0.5, 0.7),
  tolerated: fc.nat(2),
  maxConcurrent: fc.constantFrom(1, 2, undefined),
  onFail: fc.constantFrom('pause', 'rollBackWave', 'rollBackAll'),
  prefetch: fc.boolean(),
});
const cutArbitrary = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 3 });

function wavesOf(cuts: readonly number[]): string[][] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), NAMES.length];
  return edges.slice(1).map((edge, index) => NAMES.slice(edges[index], edge));
}

class World {
  state: RolloutState;
  now = T0;
  seq = 1;
  readonly assigned = new Set<string>();
  grants = 0;
  constructor(state: RolloutState) {
    this.state = state;
    for (const it of nodesOf(state))
      if (it.phase !== null) this.assigned.add(assignmentId(state.id, it.node, it.attempt));
  }

  do(op: Op): void {
    switch (op.op) {
      case 'report': {
        const seq = op.stale ? Math.max(1, this.seq - 3) : ++this.seq;
        const status = { step: op.step, ...(op.soak === undefined ? {} : { soak: op.soak }) };
        return this.tick(inputOf(this.state, name(op.node), seq, status, { pinned: op.pinned, at: this.now }));
      }
      case 'evidence':
        return this.tick(
          inputOf(
            this.state,
            name(op.node),
            ++this.seq,
            { step: 'awaitingPermit' },
            { evidence: evidenceOf(this.state, name(op.node), op.own, op.bundled) },
          ),
        );
      case 'fareWell':
        return this.fareWell(name(op.node));
      case 'ask':
        return this.ask(name(op.node));
      case 'wait':
        this.now += op.ms;
        return this.tick();
      case 'retry':
        return this.apply({ kind: 'retry', now: this.now, by: 'ada', node: name(op.node) });
      case 'person':
        return this.apply(personEvent(op.event, this.state, this.now));
    }
  }

  fareWell(node: string): void {
    const it = this.state.nodes[node];
    if (it === undefined) return;
    const evidence = evidenceOf(this.state, node);
    if (it.phase === 'rollBack')
      return this.tick(
        inputOf(this.state, node, ++this.seq, {
          step: 'rolledBack',
          outcome: 'rolledBack',
          reason: 'rolledBackByNetwork',
        }),
      );
    if (it.phase === 'withdraw')
      return this.tick(
        inputOf(this.state, node, ++this.seq, { step: 'superseded', outcome: 'noChange', reason: 'withdrawn' }),
      );
    if (it.permit === null) {
      this.tick(inputOf(this.state, node, ++this.seq, { step: 'awaitingPermit' }, { evidence }));
      return this.ask(node);
    }
    this.tick(inputOf(this.state, node, ++this.seq, { step: 'active', soak: 'ok' }));
  }

  tick(...inputs: NodeInput[]): void {
    this.apply({ kind: 'tick', now: this.now, inputs });
    const again = decide(this.state, { kind: 'tick', now: this.now, inputs });
    // 12: ticks coalesce, so the same facts again decide nothing more.
    if (again.kind === 'decided') {
      expect(again.effects).toEqual([]);
      expect(again.next).toBe(this.state);
    }
  }

  ask(node: string): void {
    const attempt = this.state.nodes[node]?.attempt ?? 1;
    const { id, plan } = this.state;
    this.apply({
      kind: 'permitAsked',
      now: this.now,
      node,
      assignment: assignmentId(id, node, attempt),
      planHash: plan.hash,
      release: plan.release.digest,
      nonce: 'n',
      input: null,
    });
  }

  apply(event: RolloutEvent): void {
    const before = this.state;
    const decision = decide(before, event);
    expect(decide(before, event)).toEqual(decision);
    if (decision.kind === 'refused') return;
    this.state = decision.next;
    for (const effect of decision.effects) this.checkEffect(before, effect);
    checkState(before, this.state, this.now);
  }

  checkEffect(before: RolloutState, effect: Effect): void {
    const after = this.state;
    if (effect.kind === 'grantPermit') {
      this.grants += 1;
      const it = after.nodes[effect.node]!;
      // 2, 3: none while paused, after failure, after recall or when the rollout is over; only on evidence that passed.
      expect(before.pauses).toEqual([]);
      expect(before.recalled).toBe(false);
      expect(before.life.kind === 'running' || (before.life.kind === 'completed' && it.late)).toBe(true);
      if (!it.late) expect(isToleranceExceeded(before)).toBe(false);
      expect(it.judged?.bundled.verdict).toBe('pass');
      expect(it.judged?.own?.verdict).toBe('pass');
    }
    if (effect.kind !== 'setAssignment') return;
    const { assignment } = effect;
    const planned = after.plan.waves.flatMap((wave) => wave.nodes).find((it) => it.node === effect.node)!;
    // 7: an assignment is of the plan, made once, and a rollback is never anything that must be fetched.
    expect(assignment).toMatchObject({
      planHash: after.plan.hash,
      from: planned.from,
      rollbackTarget: planned.rollbackTarget,
    });
    if (assignment.phase === 'rollBack' || assignment.phase === 'withdraw') {
      expect(this.assigned.has(assignment.id)).toBe(true);
    }
    this.assigned.add(assignment.id);
    expect(before.nodes[effect.node]?.takenBy ?? null).toBeNull();
    const fresh = assignment.phase === 'proceed' || assignment.phase === 'prepare';
    // A wave may begin and fail in one decision; nothing is offered once a rollout was over before it.
    if (fresh) expect(['running', 'completed']).toContain(before.life.kind);
    if (assignment.phase === 'complete') expect(after.life.kind).toBe('completed');
    if (assignment.phase === 'commit') expect(after.waves[after.nodes[effect.node]!.wave]?.kind).toBe('passed');
    if (assignment.phase === 'rollBack' && after.life.kind === 'rollingBack')
      checkReverseOrder(after, after.nodes[effect.node]!.wave);
  }
}

const name = (index: number): string => NAMES[index % NAMES.length]!;

function personEvent(kind: Extract<Op, { op: 'person' }>['event'], state: RolloutState, now: number): RolloutEvent {
  const by = 'ada';
  switch (kind) {
    case 'pause':
      return { kind, now, by, detail: null };
    case 'resume':
      return { kind, now, by, codes: ['byAdmin', 'harmNotice'] };
    case 'abort':
      return { kind, now, by };
    case 'rollBack':
    case 'recall':
      return { kind, now, by, reason: 'bad' };
    case 'waive':
      return { kind, now, by, wave: state.wave, reason: 'known' };
    case 'harm':
      return { kind, now, site: 'ash-hospital', detail: null };
    case 'taken':
      return { kind, now, by, rollout: 'ro-bbbbbbbb', nodes: ['ash', 'elm'] };
  }
}

/** 8: who is told to go back has nobody behind it that is still awaited. */
function checkReverseOrder(state: RolloutState, wave: number): void {
  for (const it of nodesOf(state)) {
    if (it.wave <= wave || !tookRelease(it) || it.takenBy !== null) continue;
    expect(it.phase).toBe('rollBack');
    expect(it.owedSince !== null || isHeldByPin(it, state.recalled) || it.said?.outcome === 'unableToRollBack').toBe(
      true,
    );
  }
}

function checkState(before: RolloutState, after: RolloutState, now: number): void {
  // 1: permits outstanding. A plan's own number bounds them; a tenth of six is one.
  const outstanding = outstandingPermits(after, now).length;
  expect(outstanding).toBeLessThanOrEqual(Math.max(maxConcurrentOf(after), outstandingPermits(before, now).length));
  expect(outstanding).toBeLessThanOrEqual(after.plan.settings.maxConcurrent ?? 1);
  // 4: no wave starts before the one before it has passed, and passed waves stay so.
  for (const [index, wave] of after.waves.entries()) {
    if (wave.kind !== 'notStarted')
      for (const earlier of after.waves.slice(0, index)) expect(earlier.kind).toBe('passed');
    if (before.waves[index]?.kind === 'passed') expect(wave.kind).toBe('passed');
    if (before.waves[index]?.kind === 'notStarted' && wave.kind !== 'notStarted') {
      expect(after.pauses.filter((it) => it.code !== 'waveInconclusive' && it.code !== 'toleratedExceeded')).toEqual(
        [],
      );
    }
  }
  // 5: failures beyond what is tolerated never leave a rollout running.
  if (after.life.kind === 'running' && isToleranceExceeded(after))
    expect(after.pauses.map((it) => it.code)).toContain('toleratedExceeded');
  if (after.life.kind === 'running') expect(failuresOf(after)).toBeGreaterThanOrEqual(failuresOf(before));
  // 9: a completed rollout has passed each wave, and what it told to complete was never a failure.
  if (after.life.kind === 'completed') expect(after.waves.every((wave) => wave.kind === 'passed')).toBe(true);
  if (before.life.kind === 'completed') expect(after.life.kind).toBe('completed');
  // 10: an end that was told stays an end; attempts only rise; who was taken stays taken.
  for (const it of nodesOf(after)) {
    const was = before.nodes[it.node]!;
    expect(it.attempt - was.attempt === 0 || it.attempt - was.attempt === 1).toBe(true);
    if (was.takenBy !== null) expect(it).toEqual(was);
    if (it.attempt === was.attempt && was.phase === 'rollBack') expect(it.phase).toBe('rollBack');
    if (owesRollBack(it)) expect(isOpen(after)).toBe(true);
  }
  // 11: nothing but plain JSON, and what is shown fits its schema.
  expect(JSON.parse(JSON.stringify(after))).toEqual(after);
  const due = dueAt(after, now);
  if (after.life.kind === 'rollingBack') expect(due).not.toBeNull();
}

describe('the rollout machine under any order of events', () => {
  it('keeps every invariant of SPEC.md', () => {
    fc.assert(
      fc.property(settingsArbitrary, cutArbitrary, opsArbitrary, (settings, cuts, ops) => {
        const { maxConcurrent, ...rest } = settings;
        const world = new World(
          aRollout(wavesOf(cuts), { ...rest, ...(maxConcurrent === undefined ? {} : { maxConcurrent }) }),
        );
        for (const op of ops) world.do(op);
        RolloutView.parse(viewOf(world.state, 1, world.now));
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('every order of nodes that fare well ends completed, and any that takes in a bad rollback ends rolled back', () => {
    fc.assert(
      fc.property(settingsArbitrary, cutArbitrary, fc.boolean(), (settings, cuts, isTakenBack) => {
        const { maxConcurrent: _unset, ...rest } = settings;
        const world = new World(aRollout(wavesOf(cuts), rest));
        if (isTakenBack) {
          for (const node of NAMES.slice(0, 2)) for (let i = 0; i < 2; i += 1) world.fareWell(node);
          if (world.state.life.kind === 'completed') return;
          world.apply({ kind: 'rollBack', now: world.now, by: 'ada', reason: 'bad' });
        }
        for (let round = 0; round < 16; round += 1) for (const node of NAMES) world.fareWell(node);
        expect(world.state.life.kind).toBe(isTakenBack ? 'rolledBack' : 'completed');
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
