import { describe, expect, it } from 'vitest';
import { isWithin } from './consent.ts';
import type { EvaluationResult, SiteRules } from './model.ts';
import { offersOf } from './offers.ts';
import { reportOf } from './report.ts';
import { type Bench, first, second, settled } from './testing/bench.ts';
import { anAssignment, RESULTS } from './testing/documents.ts';

const service = 'triage';
const offered = (rules?: SiteRules): Bench => {
  const bench = settled();
  if (rules) bench.command({ kind: 'setRules', rules });
  return bench.desired([second()]);
};
const evaluated = (bench: Bench, result: EvaluationResult): Bench => {
  bench.until('evaluating');
  bench.send({ kind: 'evaluated', service, task: bench.task, result });
  return bench;
};
const waive = (bench: Bench, reason: string) =>
  bench.command({ kind: 'acceptInconclusive', service, assignment: bench.assignment.id, reason });
const kinds = (bench: Bench): readonly string[] => bench.effects.map((effect) => effect.kind);
const statusOf = (bench: Bench) => reportOf(bench.state).services[0]!.assignment!;

describe('N2: the hospital decides, first on preparing, then on activating', () => {
  it('fetches nothing before somebody at the site has accepted', () => {
    const bench = offered();
    expect(kinds(bench)).not.toContain('fetch');
    expect(bench.pass(3_600_000).step).toBe('awaitingPreparation');
    bench.accept();
    expect(kinds(bench)).toContain('fetch');
  });

  it('says since when it waits for an answer, however often it is looked at, and anew for the next question and the next release', () => {
    const bench = offered();
    const began = bench.wall;
    const since = () => offersOf(bench.state)[0]?.waitsSince;
    bench.pass(3_600_000);
    expect(since()).toBe(began);
    bench.accept();
    expect(since()).toBeNull();
    evaluated(bench, RESULTS.pass);
    expect(offersOf(bench.state)[0]).toMatchObject({ question: 'activate', waitsSince: bench.wall });
    bench.pass(60_000);
    bench.desired([anAssignment({ number: 3 })]);
    expect(offersOf(bench.state)[0]).toMatchObject({ number: 3, question: 'prepare', waitsSince: bench.wall });
  });

  it('shows the site a result that has not left', () => {
    const bench = evaluated(offered(), RESULTS.pass);
    expect(offersOf(bench.state)[0]).toMatchObject({
      question: 'activate',
      gate: { verdict: 'pass', hasLeft: false },
    });
    expect(kinds(bench)).not.toContain('discloseEvidence');
    expect(statusOf(bench).gate).toBeUndefined();
    bench.accept();
    expect(kinds(bench)).toContain('discloseEvidence');
    expect(statusOf(bench).gate).toMatchObject({ verdict: 'pass' });
  });

  it('lets a fail leave at once', () => {
    const bench = evaluated(offered(), RESULTS.fail);
    expect(kinds(bench)).toContain('discloseEvidence');
    expect(statusOf(bench)).toMatchObject({ step: 'failed', reason: 'gateFailed', outcome: 'noChange' });
  });

  it.each(['fail', 'pass'] as const)(
    'holds a %s back where the site said so, and tells neither from the other',
    (verdict) => {
      const bench = offered();
      bench.accept({ holdResult: true });
      evaluated(bench, RESULTS[verdict]);
      expect(kinds(bench)).not.toContain('discloseEvidence');
      const { assignment: _, ...told } = statusOf(bench);
      expect(told).toEqual({
        planHash: bench.assignment.planHash,
        step: 'awaitingConsent',
        waitsFor: 'resultHeld',
        restarts: 0,
      });
      bench.accept();
      expect(kinds(bench)).toContain('discloseEvidence');
      expect(bench.step).toBe(verdict === 'fail' ? 'failed' : 'awaitingPermit');
    },
  );

  it('lets no result leave when the second answer is no', () => {
    const bench = evaluated(offered(), RESULTS.pass);
    bench.command({ kind: 'reject', service, reason: 'not now' });
    expect(kinds(bench)).not.toContain('discloseEvidence');
    expect(statusOf(bench)).toMatchObject({ step: 'rejected', reason: 'rejectedBySite', outcome: 'noChange' });
    expect(statusOf(bench).gate).toBeUndefined();
  });

  it('asks nobody where standing rules cover the release', () => {
    const bench = offered({ prepare: [{ services: [service] }], activate: [{ changes: ['adapter'] }] });
    expect(bench.step).toBe('fetching');
    expect(evaluated(bench, RESULTS.pass).step).toBe('awaitingPermit');
  });

  it.each([
    ['another service', { services: ['summary'] }],
    ['another class of change', { changes: ['base' as const] }],
    ['fewer bytes', { maxBytes: 2999 }],
  ])('asks a person where the rule is for %s', (_, rule) => {
    expect(offered({ prepare: [rule], activate: [] }).step).toBe('awaitingPreparation');
  });

  it('stops a fetch that a rule allows when its hours are over, and goes on with it later', () => {
    const hours = [{ days: ['mon' as const], from: '00:00', to: '06:00' }];
    const bench = offered({ prepare: [{ hours }], activate: [] });
    expect(bench.step).toBe('fetching');
    bench.minuteOfWeek = 6 * 60;
    bench.pass(1000);
    expect(kinds(bench)).toContain('cancel');
    expect(statusOf(bench)).toMatchObject({ step: 'awaitingPreparation', waitsFor: 'window' });
    bench.minuteOfWeek = 60;
    expect(bench.pass(1000).step).toBe('fetching');
  });

  it('waits for the plan’s own window before it asks for a permit', () => {
    const windows = [{ days: ['tue' as const], from: '22:00', to: '04:00' }];
    const bench = settled().desired([second({ windows })]);
    bench.until('awaitingPermit');
    expect(statusOf(bench).waitsFor).toBe('window');
    bench.minuteOfWeek = 2 * 24 * 60 + 60;
    bench.pass(1000);
    expect(kinds(bench)).toContain('askPermit');
  });

  it('takes a yes only to the release that was read', () => {
    const bench = offered();
    const { id } = bench.assignment;
    bench.desired([anAssignment({ number: 3, rollbackTarget: second().rollbackTarget })]);
    expect(bench.accept({ assignment: id })).toEqual({ done: false, why: 'otherAssignment' });
    const other = { service, assignment: id } as const;
    expect(bench.command({ kind: 'reject', ...other, reason: 'no' })).toMatchObject({ why: 'otherAssignment' });
    expect(bench.command({ kind: 'defer', ...other, until: bench.wall + 1 })).toMatchObject({ why: 'otherAssignment' });
    expect(bench.command({ kind: 'acceptInconclusive', ...other, reason: 'few' })).toMatchObject({
      why: 'otherAssignment',
    });
    expect(bench.step).toBe('awaitingPreparation');
  });

  it('takes a yes only to the question that was read: one to prepare is none to serve, with a hold or without', () => {
    const bench = evaluated(offered(), RESULTS.pass);
    for (const holdResult of [true, false])
      expect(bench.accept({ question: 'prepare', holdResult })).toEqual({ done: false, why: 'otherQuestion' });
    expect(bench.accept({ question: 'activate', holdResult: true })).toEqual({ done: false, why: 'otherQuestion' });
    expect(bench.step).toBe('awaitingConsent');
    expect(bench.record.attempt?.progress).toMatchObject({ disclosed: false });
  });

  it('never lets go of a hold by a second yes before the result', () => {
    const bench = offered();
    bench.accept({ holdResult: true });
    expect(bench.accept({ question: 'prepare' })).toEqual({ done: false, why: 'nothingWaits' });
    bench.command({ kind: 'defer', service, until: bench.wall + 60_000 });
    expect(bench.accept()).toEqual({ done: true });
    expect(statusOf(evaluated(bench, RESULTS.pass))).toMatchObject({ waitsFor: 'resultHeld' });
  });

  it('holds a result back that a standing rule would let leave, where a person says so in time', () => {
    const bench = offered({ prepare: [{}], activate: [{}] });
    expect(bench.accept({ question: 'prepare' })).toEqual({ done: false, why: 'nothingWaits' });
    expect(bench.accept({ question: 'prepare', holdResult: true })).toEqual({ done: true });
    expect(statusOf(evaluated(bench, RESULTS.fail))).toMatchObject({ waitsFor: 'resultHeld' });
  });

  it('asks a person where another release serves than the class of change was checked from', () => {
    const bench = settled();
    bench.desired([second()]).until('active').judge('ok');
    bench.desired([second({ phase: 'complete' })]);
    bench.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{ changes: ['adapter'] }] } });
    bench.desired([anAssignment({ number: 3, rollbackTarget: second().release.digest })]).until('awaitingPermit');
    bench.command({ kind: 'rollback', service, to: 1 });
    expect(bench.record.active?.release).toBe(first().release.digest);
    bench.command({ kind: 'unpin', service });
    expect(statusOf(bench)).toMatchObject({ step: 'awaitingConsent', waitsFor: 'consentToActivate' });
    expect(offersOf(bench.state)[0]).toMatchObject({ question: 'activate', changeIsStale: true });
    bench.accept();
    expect(bench.step).toBe('awaitingPermit');
  });

  it('asks nobody for that where a rule names no class, since what it allows is the same', () => {
    const bench = offered({ prepare: [{}], activate: [{}] }).until('awaitingPermit');
    bench.restart();
    expect(bench.step).toBe('awaitingPermit');
  });

  it('puts an offer off until the hour that was said, and then asks again', () => {
    const bench = offered();
    bench.command({ kind: 'defer', service, until: bench.wall + 60_000 });
    expect(statusOf(bench).waitsFor).toBe('deferred');
    expect(bench.pass(59_000).work.waits).toBe('deferred');
    expect(bench.pass(1000).work.waits).toBe('consentToPrepare');
  });

  it('evaluates on site data only by a suite that the site has accepted by its digest (E6)', () => {
    const bench = settled().desired([second({ suite: { ...second().suite, digest: second().planHash } })]);
    bench.until('staged');
    while (bench.work.waits !== 'suiteNotAccepted') bench.answer();
    expect(offersOf(bench.state)[0]).toMatchObject({ question: 'acceptSuite' });
    bench.command({ kind: 'acceptSuite', suite: second().planHash, tooFewItems: false });
    expect(bench.step).toBe('evaluating');
  });
});

describe('R8: an inconclusive gate', () => {
  it('waits for a reason, and never goes on by a plain yes', () => {
    const bench = evaluated(offered(), RESULTS.inconclusive);
    bench.accept();
    expect(statusOf(bench)).toMatchObject({ step: 'awaitingConsent', waitsFor: 'gateInconclusive' });
    expect(waive(bench, ' ')).toEqual({ done: false, why: 'waiverReasonMissing' });
    waive(bench, 'few cases here');
    expect(statusOf(bench)).toMatchObject({ step: 'awaitingPermit', gate: { waivedBySite: true } });
    expect(JSON.stringify(reportOf(bench.state))).not.toContain('few cases');
  });

  it('is no way around a fail', () => {
    const bench = offered();
    bench.accept({ holdResult: true });
    evaluated(bench, RESULTS.fail);
    const answer = waive(bench, 'but we like it');
    expect(answer).toEqual({ done: false, why: 'notInconclusive' });
  });
});

describe('isWithin', () => {
  it.each([
    ['before it opens', 'mon 21:59', false],
    ['when it opens', 'mon 22:00', true],
    ['after midnight', 'tue 03:59', true],
    ['when it closes', 'tue 04:00', false],
  ])('a window over midnight, %s', (_, at, expected) => {
    const [day = '', clock = ''] = at.split(' ');
    const minute = ['mon', 'tue'].indexOf(day) * 1440 + Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
    expect(isWithin([{ days: ['mon'], from: '22:00', to: '04:00' }], minute)).toBe(expected);
  });

  it('is open into Monday for a window that begins on Sunday', () => {
    expect(isWithin([{ days: ['sun'], from: '22:00', to: '04:00' }], 60)).toBe(true);
  });
});
