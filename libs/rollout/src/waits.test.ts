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

describe('a node that is not connected', () => {
  const state = aRollout([['ash'], ['oak']]);
  const node = state.nodes['ash']!;

  it('is named as out of reach since then, which the site clears, before whatever else it waits for', () => {
    expect(waitsOfNode(state, node, T0, T0 - 5_000)[0]).toMatchObject({
      code: 'unreached',
      clearedBy: 'site',
      since: new Date(T0 - 5_000).toISOString(),
    });
    const said = inputOf(state, 'ash', 1, { step: 'fetching' });
    const decided = decide(state, { kind: 'tick', now: T0, inputs: [said] });
    if (decided.kind === 'refused') throw new Error(decided.why);
    const waits = waitsOfNode(decided.next, decided.next.nodes['ash']!, T0, T0);
    expect(waits.map(({ code }) => code)).toEqual(['unreached', 'fetching']);
  });

  it('is named once, and not where nothing is awaited of it', () => {
    expect(waitsOfNode(state, node, T0, T0).filter(({ code }) => code === 'unreached')).toHaveLength(1);
    const taken = { ...node, takenBy: 'ro-bbbbbbbbbbbb' as const };
    expect(waitsOfNode(state, taken, T0, T0)).toEqual([]);
  });
});
