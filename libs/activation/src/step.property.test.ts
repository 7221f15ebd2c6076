import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assignment } from '@openward/contracts';
import type { Effect, Event } from './events.ts';
import { applyEntry, replay } from './journal.ts';
import { keepOf } from './keep.ts';
import { type Held, isSame } from './model.ts';
import { LONGEST_LIFE_MS } from './permit.ts';
import { Bench, first, second, settled } from './testing/bench.ts';
import { aDesiredState, anAssignment, RESULTS } from './testing/documents.ts';
import { heldFor } from './testing/simulated-disk.ts';
import { siteWayOf } from './way-back.ts';

// Any events in any order, true and stale answers alike, with restarts that lose whatever was not journalled.

const SERVICES = ['summary', 'triage'] as const;
type Move = (bench: Bench, watcher: Watcher) => void;

/** What must hold after every step, whatever came before. */
class Watcher {
  readonly asked = new Map<string, { readonly monotonic: number; readonly wall: number }>();
  readonly ended = new Set<string>();
  readonly halted = new Set<string>();
  readonly switched = new Map<string, Held>();
  /** Switches between releases of one model. */
  policyOnly = 0;

  check(bench: Bench, event: Event, effects: readonly Effect[]): void {
    let known = replay(bench.entries.slice(0, bench.entries.length - count(effects)));
    for (const effect of effects) {
      switch (effect.kind) {
        case 'journal':
          this.#checkEntry(bench, event, effect.entry, known);
          known = applyEntry(known, effect.entry);
          break;
        case 'switchTo': {
          const record = known.services[effect.service];
          expect(isSame(record?.active, effect.held), 'what is served stands in the journal').toBe(true);
          expect(record?.halted, 'nothing serves a halted service').toBe(false);
          expect(known.recalled, 'nothing serves what was recalled').not.toContain(effect.held.release);
          const last = this.switched.get(effect.service);
          if (last?.key === effect.held.key && !isSame(last, effect.held)) this.policyOnly++;
          this.switched.set(effect.service, effect.held);
          break;
        }
        case 'askPermit':
          this.asked.set(effect.nonce, { monotonic: bench.monotonic, wall: bench.wall });
          break;
        case 'evaluate': {
          const { assignment } = effect;
          expect(known.suites[assignment.suite.digest] ?? !assignment.suite.readsSiteData).toBeTruthy();
          break;
        }
        case 'reclaim':
          for (const { lastGood, anchor, active } of Object.values(known.services)) {
            for (const held of [lastGood, anchor, active]) {
              if (held !== null) expect(effect.keep.keys, 'what is needed is kept').toContain(held.key);
            }
          }
          break;
        case 'unload':
          expect(bench.state.work[effect.service]?.served?.key, 'what serves stays loaded').not.toBe(effect.key);
          break;
        case 'fetch':
        case 'verify':
        case 'load':
        case 'probe':
        case 'cancel':
        case 'stop':
        case 'judge':
        case 'discloseEvidence':
        case 'report':
        case 'answer':
          break;
      }
    }
    expect(bench.state.durable, 'a restart finds what was known').toEqual(known);
    for (const [service, { halted, lastGood }] of Object.entries(bench.state.durable.services)) {
      expect(halted, 'only the site lifts a halt').toBe(this.halted.has(service));
      if (lastGood !== null) expect(keepOf(bench.state.durable).files).toContain(lastGood.artifact.file);
      if (halted) expect(bench.state.work[service]?.served ?? null, 'a halted service is not served').toBe(null);
    }
  }

  #checkEntry(
    bench: Bench,
    event: Event,
    entry: (typeof bench.entries)[number],
    known: ReturnType<typeof replay>,
  ): void {
    if (entry.kind === 'begun') {
      expect(this.ended, 'a failed attempt is not tried again').not.toContain(entry.assignment.id);
    }
    if (entry.kind === 'ended') this.ended.add(known.services[entry.service]!.attempt!.assignment.id);
    if (entry.kind === 'halted') {
      expect(event.kind).toBe('command');
      if (entry.halted) this.halted.add(entry.service);
      else this.halted.delete(entry.service);
    }
    if (entry.kind === 'activated') {
      if (event.kind !== 'permitAnswered' || !event.reply.answer.granted) throw new Error('activated with no permit');
      const asked = this.asked.get(event.reply.nonce)!;
      const age = Math.max(bench.monotonic - asked.monotonic, bench.wall - asked.wall);
      expect(age).toBeLessThan(Math.min(LONGEST_LIFE_MS, event.reply.answer.lifetimeMs));
      const record = known.services[entry.service]!;
      expect([record.pinned, record.halted], 'no brake is on').toEqual([false, false]);
      expect(record.attempt?.progress.at).toBe('evaluated');
    }
  }
}

const count = (effects: readonly Effect[]): number => effects.filter((effect) => effect.kind === 'journal').length;

const send = (bench: Bench, watcher: Watcher, event: Event): void => watcher.check(bench, event, bench.send(event));

const service = fc.constantFrom(...SERVICES);
const phases = fc.constantFrom(
  'prepare',
  'proceed',
  'proceed',
  'proceed',
  'commit',
  'complete',
  'withdraw',
  'rollBack',
);

/** A true answer to what is under way, or one of a task that is nobody's. */
const answers: fc.Arbitrary<Move> = fc
  .record({ service, roll: fc.nat(99), isStale: fc.integer({ min: 0, max: 9 }).map((it) => it === 0) })
  .map(({ service: name, roll, isStale }) => (bench, watcher) => {
    const { job, loading, probe, switching } = bench.state.work[name] ?? {};
    const record = bench.state.durable.services[name];
    const assignment = record?.attempt?.assignment;
    const task = isStale ? 1 : job && 'task' in job ? job.task : 1;
    const put = (event: Event): void => send(bench, watcher, event);
    const bad = roll < 15;
    if (loading) {
      const event = bad
        ? ({ kind: 'loadFailed', service: name, task: loading.task, code: null, reference: '' } as const)
        : null;
      if (event) return put(event);
      const held = [record?.active, record?.lastGood, record?.anchor, ...candidates(bench, name)];
      const file = held.find((it) => it?.key === loading.key)?.artifact.file ?? '';
      return put({ kind: 'loaded', service: name, task: loading.task, chain: { base: file } });
    }
    if (switching) return put({ kind: 'switched', service: name, held: switching });
    if (probe?.state === 'running') {
      const result = bad ? 'failed' : 'ok';
      return put({ kind: 'probed', service: name, task: probe.task, result, reference: '' });
    }
    if (record?.attempt?.progress.at === 'activated') {
      const verdict = bad ? 'over' : 'ok';
      return put({ kind: 'judged', service: name, held: record.attempt.progress.candidate, final: true, verdict });
    }
    if (!job || !assignment) return;
    if (job.doing === 'fetching') return put({ kind: 'fetched', service: name, task });
    if (job.doing === 'verifying') return put({ kind: 'verified', service: name, task, held: heldFor(assignment) });
    if (job.doing === 'evaluating') {
      const result = roll < 10 ? RESULTS.fail : roll < 20 ? RESULTS.inconclusive : RESULTS.pass;
      return put({ kind: 'evaluated', service: name, task, result });
    }
    if (job.doing !== 'asking') return;
    const { id, planHash, release } = assignment;
    const nonce = roll < 20 ? 'nonce-1' : job.nonce;
    const answer =
      roll < 30
        ? ({ granted: false, why: 'paused', retryAfterMs: 10 } as const)
        : ({ granted: true, assignment: id, planHash, release: release.digest, lifetimeMs: 60_000 } as const);
    put({ kind: 'permitAnswered', service: name, task, reply: { v: 1, nonce, answer } });
  });

const candidates = (bench: Bench, name: string): readonly (ReturnType<typeof heldFor> | null)[] => {
  const progress = bench.state.durable.services[name]?.attempt?.progress;
  if (progress?.at === 'activated') return [progress.candidate, progress.target, progress.before];
  if (progress?.at === 'committed') return [progress.candidate, progress.target];
  return progress && 'candidate' in progress ? [progress.candidate] : [];
};

const desired: fc.Arbitrary<Move> = fc
  .record({
    service,
    number: fc.integer({ min: 1, max: 3 }),
    attempt: fc.integer({ min: 1, max: 2 }),
    phase: phases,
    generation: fc.integer({ min: -1, max: 3 }),
    recall: fc.integer({ min: 0, max: 19 }),
    isNew: fc.integer({ min: 0, max: 3 }).map((it) => it === 0),
  })
  .map(({ service: name, phase, generation, recall, isNew, ...drawn }) => (bench, watcher) => {
    const now = bench.state.durable.services[name]?.attempt?.assignment;
    const { number, attempt } = isNew || !now ? drawn : { number: now.release.number, attempt: now.attempt };
    const { durable } = bench.state;
    const others = (durable.desired?.services ?? []).flatMap(({ service: other, assignment }) =>
      other === name || assignment === null ? [] : [assignment],
    );
    const rollbackTarget = durable.services[name]?.lastGood?.release ?? null;
    // The second differs from the first in its policy alone.
    const weights = number === 2 ? { variant: anAssignment({ service: name, number: 1 }).variant } : {};
    const made: Assignment = anAssignment({ service: name, number, attempt, phase, rollbackTarget, ...weights });
    const recalled = recall === 0 ? [made.release.digest] : [];
    const next = Math.max(0, (durable.generation?.number ?? 0) + generation);
    send(bench, watcher, { kind: 'desired', doc: aDesiredState(next, [...others, made], { recalled }) });
  });

const commands: fc.Arbitrary<Move> = fc
  .record({
    service,
    kind: fc.constantFrom(
      'accept',
      'accept',
      'accept',
      'halt',
      'resume',
      'resume',
      'pin',
      'unpin',
      'rollback',
      'reject',
      'defer',
    ),
    holdResult: fc.boolean(),
  })
  .map(({ service: name, kind, holdResult }) => (bench, watcher) => {
    const command =
      kind === 'reject'
        ? { kind, service: name, reason: 'no' }
        : kind === 'defer'
          ? { kind, service: name, until: bench.wall + 5000 }
          : kind === 'accept'
            ? { ...bench.yes(name), holdResult }
            : { kind, service: name, to: siteWayOf(bench.state.durable, name)?.to.number };
    send(bench, watcher, { kind: 'command', id: 1, command } as Event);
  });

const others: fc.Arbitrary<Move> = fc
  .record({
    kind: fc.constantFrom('suite', 'pass', 'pass', 'pass', 'sleep', 'restart', 'exit'),
    ms: fc.integer({ min: 1, max: 20_000 }),
  })
  .map(({ kind, ms }) => (bench, watcher) => {
    if (kind === 'suite') {
      const { digest } = anAssignment().suite;
      const command = { kind: 'acceptSuite', suite: digest, tooFewItems: false } as const;
      return send(bench, watcher, { kind: 'command', id: 1, command });
    }
    if (kind === 'restart') {
      bench.monotonic = 0;
      return send(bench, watcher, { kind: 'booted', entries: [...bench.entries] });
    }
    if (kind === 'exit') return send(bench, watcher, { kind: 'runtimeExited' });
    bench.wall += kind === 'sleep' ? 90_000 : ms;
    bench.monotonic += kind === 'sleep' ? 0 : ms;
    send(bench, watcher, { kind: 'tick' });
  });

const moves = fc.array(
  fc.oneof(
    { weight: 24, arbitrary: answers },
    { weight: 2, arbitrary: desired },
    { weight: 3, arbitrary: commands },
    { weight: 3, arbitrary: others },
  ),
  { minLength: 20, maxLength: 400, size: 'max' },
);

/** A node of which nothing is known, one that serves, and one that has just changed its policy alone. */
function begin(from: 'new' | 'settled' | 'policyOnly', watcher: Watcher): Bench {
  if (from === 'new') return new Bench();
  if (from === 'settled') return settled();
  const bench = settled()
    .desired([second({ variant: first().variant })])
    .until('active');
  watcher.switched.set('triage', bench.record.active!);
  return bench;
}

describe('any events, in any order', () => {
  it('never break R4, N3, N5, D7: no act before its entry, no switch without leave, no second try, no lifted halt', () => {
    let activations = 0;
    let policyOnly = 0;
    fc.assert(
      fc.property(moves, fc.boolean(), fc.constantFrom('new', 'settled', 'policyOnly'), (made, hasRules, from) => {
        const watcher = new Watcher();
        const bench = begin(from, watcher);
        const { digest } = anAssignment().suite;
        bench.command({ kind: 'acceptSuite', suite: digest, tooFewItems: false });
        if (hasRules) bench.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{}] } });
        for (const move of made) move(bench, watcher);
        activations += bench.entries.filter((entry) => entry.kind === 'activated').length;
        policyOnly += watcher.policyOnly;
      }),
      { numRuns: 200, seed: 1 },
    );
    // The rules hold of something: switches do happen.
    expect(activations).toBeGreaterThan(50);
    expect(policyOnly).toBeGreaterThan(5);
  }, 60_000);
});
