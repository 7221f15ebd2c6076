import { CLEARED_BY, WaitCode } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import { aRollout, evidenceOf, inputOf, T0 } from './testing-fixtures.ts';
import { waitsOfNode } from './waits.ts';

/** What an operator reads of a node that has passed its gate and its consent, and says that it waits for this. */
function readOf(waitsFor: WaitCode): { readonly code: string; readonly clearedBy: string } | undefined {
  const state = aRollout([['ash']]);
  const said = inputOf(state, 'ash', 1, { step: 'awaitingPermit', waitsFor }, { evidence: evidenceOf(state, 'ash') });
  const decided = decide(state, { kind: 'tick', now: T0, inputs: [said] });
  if (decided.kind === 'refused') throw new Error(decided.why);
  return waitsOfNode(decided.next, decided.next.nodes['ash']!, T0)[0];
}

describe('a node that is at its permit', () => {
  for (const code of WaitCode.exclude(['permit', 'permitRefused']).options) {
    it(`is shown to wait for what holds it back itself: ${code}`, () => {
      expect(readOf(code)).toMatchObject({ code, clearedBy: CLEARED_BY[code] });
    });
  }

  it('is shown to wait for the permit when that is what it says', () => {
    expect(readOf('permit')).toMatchObject({ code: 'permit', clearedBy: 'node' });
  });
});
