import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeSoak, type Asked } from './soak.ts';

const limits = { errorShare: 0.05, minRequests: 20 };
const served = (requests: number): Asked => ({ requests, failures: 0, refusals: 0 });
const failing = (failures: number, requests: number): Asked => ({ requests, failures, refusals: 0 });
const refused = (refusals: number, requests = refusals): Asked => ({ requests, failures: 0, refusals });

describe('R3 what a soak makes of the requests since the probe', () => {
  it.each([
    ['nobody asked', [], 'tooFewRequests'],
    ['all were served', [served(30)], 'ok'],
    ['the share of failures is the limit', [failing(1, 20)], 'ok'],
    ['the share of failures is over the limit', [failing(2, 20)], 'over'],
    ['too few asked to tell, however they fared', [failing(19, 19)], 'tooFewRequests'],
    ['the policy refuses the only application', [refused(20)], 'over'],
    ['the policy refuses every application', [refused(20), refused(500), refused(1)], 'over'],
    ['the policy refuses two of three', [refused(20), refused(500), served(30)], 'over'],
    ['one application is refused everything, and the others are served', [refused(10_000), served(30)], 'ok'],
    ['one is refused, and too few others asked to tell', [refused(500), served(19)], 'over'],
    ['one is refused, and the others fail', [refused(500), failing(3, 30)], 'over'],
    ['the one that is refused fails besides', [{ requests: 500, failures: 30, refusals: 400 }, served(30)], 'over'],
    ['many applications are each refused a little', [refused(2, 25), refused(2, 25), refused(2, 25)], 'over'],
  ] as const)('%s: %j → %s', (_, applications, verdict) => {
    expect(judgeSoak(applications, limits)).toBe(verdict);
  });

  const asked = fc
    .record({ ok: fc.nat(100), failures: fc.nat(5), refusals: fc.nat(5) })
    .map(({ ok, failures, refusals }) => ({ requests: ok + failures + refusals, failures, refusals }));

  it('no application by itself turns a soak that the others pass, by what its requests are refused', () => {
    fc.assert(
      fc.property(fc.array(asked, { minLength: 1, maxLength: 6 }), fc.nat(100_000), (others, times) => {
        const calm = others.map((one) => ({ ...one, requests: one.requests - one.refusals, refusals: 0 }));
        fc.pre(judgeSoak(calm, limits) === 'ok');
        expect(judgeSoak([...calm, refused(times)], limits)).toBe('ok');
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
