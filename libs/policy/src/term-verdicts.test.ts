import { describe, expect, it } from 'vitest';
import { NO_SITE_TERMS } from './model.ts';
import {
  decideTermLeave as decide,
  readsTerms,
  TERM_VERDICTS_IN_30_DAYS,
  type TermLeave,
  type TermVerdict,
} from './term-verdicts.ts';
import { policyOf, regex, ruleOf } from './testing.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = 100 * DAY;
const asked = (policy: string, at = NOW, terms = 'own'): TermVerdict => ({ policy, terms, at });
const past = (count: number, at = NOW - DAY): TermVerdict[] =>
  Array.from({ length: count }, (_, n) => asked(`p${n}`, at + n));
/** At a node where other policies serve. */
const decideTermLeave = (kept: readonly TermVerdict[], one: TermVerdict): TermLeave =>
  decide(kept, one, new Set(['other']));

describe('E6 a verdict that hangs on a site’s own words', () => {
  it('leaves twelve times in 30 days', () => {
    let kept: readonly TermVerdict[] = [];
    for (let n = 0; n < TERM_VERDICTS_IN_30_DAYS; n += 1) {
      const leave = decideTermLeave(kept, asked(`p${n}`, NOW + n));
      if (leave.kind !== 'judge') throw new Error(leave.kind);
      kept = leave.kept;
    }
    expect(decideTermLeave(kept, asked('next', NOW + DAY))).toEqual({ kind: 'withheld', until: NOW + 30 * DAY });
    expect(decideTermLeave(kept, asked('next', NOW + 30 * DAY))).toMatchObject({ kind: 'judge' });
  });

  it('leaves again for the same policy and the same words, and counts anew for others', () => {
    const full = past(TERM_VERDICTS_IN_30_DAYS);
    expect(decideTermLeave(full, asked('p3'))).toEqual({ kind: 'again' });
    expect(decideTermLeave(full, asked('p3', NOW, 'others'))).toMatchObject({ kind: 'withheld' });
  });

  it('leaves uncounted for a policy that serves here, however old its own row and however many came since', () => {
    const full = past(TERM_VERDICTS_IN_30_DAYS);
    expect(decide(full, asked('serves'), new Set(['other', 'serves']))).toEqual({ kind: 'again' });
    expect(decide([], asked('serves', NOW, 'others'), new Set(['serves']))).toEqual({ kind: 'again' });
    expect(decide(full, asked('next'), new Set(['serves']))).toMatchObject({ kind: 'withheld' });
  });

  it('gets no new budget by a clock that is set back', () => {
    expect(decideTermLeave(past(TERM_VERDICTS_IN_30_DAYS, NOW + DAY), asked('next'))).toMatchObject({
      kind: 'withheld',
    });
  });

  it('keeps no more rows than it counts', () => {
    const leave = decideTermLeave([...past(40, NOW - 60 * DAY), ...past(3)], asked('next'));
    expect(leave.kind === 'judge' && leave.kept).toEqual([...past(3), asked('next')]);
  });
});

describe('a policy reads a site’s own words', () => {
  const records = policyOf([ruleOf('records', { kind: 'identifier', identifier: 'recordNumber' })]);
  const plain = policyOf([ruleOf('a', regex('a'))], { variables: [] });

  it.each([
    [
      'that has a rule of record numbers, at a site that gave their form',
      records,
      { recordNumber: 'a', variables: {} },
      true,
    ],
    ['at a site that gave none', records, NO_SITE_TERMS, false],
    ['without such a rule', plain, { recordNumber: 'a', variables: {} }, false],
    [
      'with a variable that the site has set',
      policyOf([]),
      { recordNumber: null, variables: { emergencyNumber: '15' } },
      true,
    ],
    ['whose variables have other names', policyOf([]), { recordNumber: null, variables: { other: '15' } }, false],
  ])('%s', (_what, policy, terms, reads) => {
    expect(readsTerms(policy, terms)).toBe(reads);
  });
});
