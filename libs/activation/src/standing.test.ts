import { describe, expect, it } from 'vitest';
import { standingsOf } from './standing.ts';
import { type Bench, first, second, settled } from './testing/bench.ts';
import { anAssignment } from './testing/documents.ts';

const service = 'triage';
const third = anAssignment({ number: 3, rollbackTarget: second().release.digest });
const arrive = (bench: Bench): Bench => {
  while (bench.record.attempt?.progress.at === 'goingBack' && bench.answer());
  return bench;
};
const completed = (bench: Bench, assignment = second()): Bench => {
  bench.desired([assignment]).until('active').judge('ok');
  return bench.desired([{ ...assignment, phase: 'complete' }]);
};
/** Release 2 is last good, release 3 is active in a rollout that lives, and release 1 is the anchor. */
const onThird = (): Bench => completed(settled()).desired([third]).until('active');
const back = (bench: Bench, to?: number) =>
  bench.command({ kind: 'rollback', service, ...(to === undefined ? {} : { to }) });
const standing = (bench: Bench) => standingsOf(bench.state)[0]!;

describe('N5: a site’s own step back says where it leads', () => {
  it('goes to what the plan named at once, and to the anchor behind that only by its number', () => {
    const bench = onThird();
    expect(standing(bench)).toMatchObject({ number: 3, wayBack: { to: { number: 2 }, isAnchor: false } });
    expect(back(bench)).toEqual({ done: true });
    arrive(bench);
    expect(standing(bench)).toMatchObject({ number: 2, wayBack: { to: { number: 1 }, isAnchor: true } });
    expect(back(bench)).toEqual({ done: false, why: 'anchorNotNamed' });
    expect(bench.record.active?.number).toBe(2);
    expect(back(bench, 1)).toEqual({ done: true });
    expect(standing(arrive(bench))).toMatchObject({ number: 1, isOnAnchor: true, wayBack: null });
    expect(back(bench)).toEqual({ done: false, why: 'nothingToGoBackTo' });
  });

  it('refuses where the way leads elsewhere than was named, and changes nothing', () => {
    const bench = onThird();
    const before = JSON.stringify(bench.state.durable);
    expect(back(bench, 1)).toEqual({ done: false, why: 'otherWayBack' });
    expect(JSON.stringify(bench.state.durable)).toBe(before);
    expect(back(bench, 2)).toEqual({ done: true });
  });

  it('asks for the anchor’s number too where its rollout’s target is not kept any more', () => {
    const bench = completed(completed(settled()), third);
    expect(standing(bench).wayBack).toMatchObject({ to: { number: 1 }, isAnchor: true });
    expect(back(bench)).toEqual({ done: false, why: 'anchorNotNamed' });
    expect(bench.record).toMatchObject({ pinned: false, active: { number: 3 } });
  });

  it('is not stopped by a target that was recalled, and refuses where nothing else is here', () => {
    const bench = settled().desired([second()]).until('active');
    bench.desired([second()], { recalled: [first().release.digest] });
    expect(standing(bench).wayBack).toBeNull();
    expect(back(bench)).toEqual({ done: false, why: 'nothingToGoBackTo' });
    expect(bench.step).toBe('active');
  });
});

describe('a service that stands on an older release', () => {
  it('says which one the network wants, by whose hand it does not have it, and that only the network can offer it again', () => {
    const bench = onThird();
    back(bench);
    arrive(bench);
    const behind = { number: 3, isBySite: true, isOver: true };
    expect(standing(bench)).toMatchObject({ number: 2, pinned: true, isOnAnchor: false, behind });
    bench.command({ kind: 'unpin', service });
    expect(standing(bench)).toMatchObject({ pinned: false, behind });
    bench.desired([{ ...third, id: `${third.id}0`, attempt: 10, phase: 'proceed' }]).until('awaitingPermit');
    expect(standing(bench).behind).toEqual({ number: 3, isBySite: false, isOver: false });
    bench.until('active');
    expect(standing(bench).behind).toBeNull();
  });

  it('says so of what was last good, when a person has gone back to the anchor', () => {
    const bench = completed(settled());
    expect(back(bench)).toEqual({ done: true });
    expect(standing(arrive(bench))).toMatchObject({
      number: 1,
      isOnAnchor: true,
      behind: { number: 2, isBySite: true, isOver: true },
    });
  });

  it('wants nothing that the network took back or recalled', () => {
    const bench = arrive(onThird().desired([{ ...third, phase: 'rollBack' }]));
    expect(standing(bench)).toMatchObject({ number: 2, behind: null });
    const recalled = arrive(onThird().desired([third], { recalled: [third.release.digest] }));
    expect(standing(recalled)).toMatchObject({ number: 2, behind: null });
  });
});

describe('a recall that left nothing to serve', () => {
  const closed = (): Bench => {
    const bench = completed(completed(settled()), third);
    return arrive(bench.desired([{ ...third, phase: 'complete' }], { recalled: [third.release.digest] }));
  };

  it('is left by a person alone, who names the anchor', () => {
    const bench = closed();
    expect(standing(bench)).toMatchObject({
      number: null,
      hasServed: true,
      recalled: 3,
      wayBack: { to: { number: 1 }, isAnchor: true },
    });
    expect(back(bench)).toEqual({ done: false, why: 'anchorNotNamed' });
    expect(back(bench, 1)).toEqual({ done: true });
    while (bench.answer());
    expect(bench.work.served).toMatchObject({ number: 1 });
    expect(standing(bench)).toMatchObject({ number: 1, pinned: true, isOnAnchor: true, recalled: null });
  });

  it('has no way out where the anchor is recalled too', () => {
    const bench = closed();
    bench.desired([{ ...third, phase: 'complete' }], { recalled: [first().release.digest] });
    expect(standing(bench)).toMatchObject({ number: null, recalled: 3, wayBack: null });
    expect(back(bench, 1)).toEqual({ done: false, why: 'nothingToGoBackTo' });
  });
});

it('before its first release a service stands on nothing, and nobody is to blame', () => {
  const bench = settled();
  expect(standing(bench)).toMatchObject({ number: 1, behind: null, isOnAnchor: false, wayBack: null });
});
