import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeSoak, type Asked } from './soak.ts';

const limits = { final: true, errorShare: 0.05, minRequests: 20, minFailed: 3 };
const NONE = { failures: 0, policyFailures: 0, refusals: 0 };
const served = (requests: number): Asked => ({ ...NONE, requests });
const broken = (policyFailures: number, requests: number): Asked => ({ ...NONE, requests, policyFailures });
const failing = (failures: number, requests: number): Asked => ({ ...NONE, requests, failures });
const refused = (refusals: number, requests = refusals): Asked => ({ ...NONE, requests, refusals });

describe('R3 what a soak makes of the requests since the probe', () => {
  it.each([
    ['nobody asked', [], 'tooFewRequests'],
    ['all were served', [served(30)], 'ok'],
    ['the share of failures is the limit', [failing(1, 20)], 'ok'],
    ['the share of failures is over the limit', [failing(3, 20)], 'over'],
    ['fewer failed than tell anything', [failing(2, 20)], 'ok'],
    ['a rule breaks', [broken(3, 20)], 'over'],
    ['one application fails, and another drowns it', [failing(25, 25), served(700)], 'over'],
    ['a rule breaks for one application, and another drowns it', [broken(25, 25), served(700)], 'over'],
    ['half of what one application asks fails, and it asks little beside others', [failing(20, 40), served(700)], 'ok'],
    ['one application fails, and has asked too little to tell', [failing(19, 19), served(700)], 'ok'],
    ['too few asked to tell, however they fared', [failing(19, 19)], 'tooFewRequests'],
    ['the policy refuses the only application', [refused(20)], 'over'],
    ['the policy refuses every application', [refused(20), refused(500), refused(1)], 'over'],
    ['the policy refuses two of three', [refused(20), refused(500), served(30)], 'over'],
    ['one application is refused everything, and the others are served', [refused(10_000), served(30)], 'over'],
    ['one application is refused half, and the others are served', [refused(500, 1000), served(30)], 'ok'],
    ['one is refused, and too few others asked to tell', [refused(500, 1000), served(19)], 'over'],
    ['one is refused, and the others fail', [refused(30, 60), failing(4, 30)], 'over'],
    [
      'the one that is refused fails besides',
      [{ ...NONE, requests: 500, failures: 30, refusals: 200 }, served(30)],
      'over',
    ],
    ['many applications are each refused a little', [refused(2, 25), refused(2, 25), refused(2, 25)], 'over'],
  ] as const)('%s: %j → %s', (_, applications, verdict) => {
    expect(judgeSoak(applications, limits)).toBe(verdict);
  });

  const asked = fc
    .record({ ok: fc.nat(100), failures: fc.nat(5), policyFailures: fc.nat(5), refusals: fc.nat(5) })
    .map(({ ok, ...bad }) => ({ requests: ok + bad.failures + bad.policyFailures + bad.refusals, ...bad }));

  it('what the policy made ends no soak before its end, whatever was asked', () => {
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 6 }), (applications) => {
        const quiet = applications.map((one) => ({ ...one, policyFailures: 0, refusals: 0 }));
        const early = { ...limits, final: false };
        expect(judgeSoak(applications, early)).toBe(judgeSoak(quiet, early));
      }),
    );
  });

  it('an application that is refused no more than half turns no soak that the others pass', () => {
    fc.assert(
      fc.property(fc.array(asked, { minLength: 1, maxLength: 6 }), fc.nat(100_000), (others, times) => {
        const calm = others.map((one) => ({ ...one, requests: one.requests - one.refusals, refusals: 0 }));
        fc.pre(judgeSoak(calm, limits) === 'ok');
        expect(judgeSoak([...calm, refused(times, 2 * times)], limits)).toBe('ok');
      }),
    );
  });

  it('a policy that refuses everybody never passes, whoever asks how often', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 6 }), (times) => {
        expect(
          judgeSoak(
            times.map((n) => refused(n)),
            limits,
          ),
        ).not.toBe('ok');
      }),
    );
  });
});
