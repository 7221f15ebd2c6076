import { CLEARED_BY, WaitCode } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import { aRollout, evidenceOf, inputOf, T0 } from './testing-fixtures.ts';
import type { RolloutState } from './state.ts';
import { viewOf } from './view.ts';
import { waitsOfNode, waitsOfRollout } from './waits.ts';

/** What an operator reads of a node that has passed its gate and its consent, and says that it waits for this. */
function readOf(waitsFor: WaitCode): { readonly code: string; readonly clearedBy: string } | undefined {
  const next = after(aRollout([['ash']]), 'ash', { step: 'awaitingPermit', waitsFor });
  return waitsOfNode(next, next.nodes['ash']!, T0)[0];
}

/** After one report of that node. */
function after(state: RolloutState, node: string, said: Parameters<typeof inputOf>[3], now = T0): RolloutState {
  const evidence = said.step === 'failed' ? null : evidenceOf(state, node);
  const input = inputOf(state, node, 1, said, { evidence });
  const decided = decide(state, { kind: 'tick', now, inputs: [input] });
  if (decided.kind === 'refused') throw new Error(decided.why);
  return decided.next;
}

describe('a node that is at its permit', () => {
  for (const code of WaitCode.exclude(['permit', 'permitRefused', 'wave']).options) {
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
    const next = after(state, 'ash', { step: 'fetching' });
    const waits = waitsOfNode(next, next.nodes['ash']!, T0, T0);
    expect(waits.map(({ code }) => code)).toEqual(['unreached']);
  });

  it('is named once, and not where nothing is awaited of it', () => {
    expect(waitsOfNode(state, node, T0, T0).filter(({ code }) => code === 'unreached')).toHaveLength(1);
    const taken = { ...node, takenBy: 'ro-bbbbbbbbbbbb' as const };
    expect(waitsOfNode(state, taken, T0, T0)).toEqual([]);
  });
});

describe('a node that was told something', () => {
  const first = (state: RolloutState, now: number) => waitsOfNode(state, state.nodes['ash']!, now)[0];

  it('is called unreached, which its site clears, once it has not answered for half a minute, and not at once', () => {
    const state = aRollout([['ash']]);
    expect(first(state, T0)).toMatchObject({ code: 'fetching', clearedBy: 'node' });
    expect(first(state, T0 + 29_999)).toMatchObject({ code: 'fetching' });
    expect(first(state, T0 + 30_000)).toMatchObject({ code: 'unreached', clearedBy: 'site' });
  });

  it('is not said to wait for a wave that has begun, whatever it said before it heard of that', () => {
    const heard = after(aRollout([['ash']]), 'ash', { step: 'staged', waitsFor: 'wave' });
    const told = { ...heard, nodes: { ash: { ...heard.nodes['ash']!, phaseSince: T0 + 5 } } };
    expect(first(told, T0 + 5)).toMatchObject({ code: 'fetching', clearedBy: 'node' });
    expect(first(told, T0 + 5)?.what).toBe('it was told that its wave has begun, and has not answered yet');
    expect(first(told, T0 + 30_005)).toMatchObject({ code: 'unreached', clearedBy: 'site' });
    const later = after(aRollout([['oak'], ['ash']]), 'ash', { step: 'staged', waitsFor: 'wave' });
    expect(first(later, T0 + 60_000)).toMatchObject({ code: 'wave', clearedBy: 'time', what: 'wave 2 has not begun' });
  });

  it('and says the same again afterwards is in reach, though it has not taken it up (R7)', () => {
    const prepared = after(aRollout([['oak'], ['ash']]), 'ash', { step: 'staged', waitsFor: 'wave' });
    const ash = { ...prepared.nodes['ash']!, phase: 'proceed' as const, phaseSince: T0 + 5 };
    const told = { ...prepared, nodes: { ...prepared.nodes, ash } };
    expect(first(told, T0 + 60_000)).toMatchObject({ code: 'unreached' });
    const again = inputOf(told, 'ash', 2, { step: 'staged', waitsFor: 'wave' }, { at: T0 + 6 });
    const decided = decide(told, { kind: 'tick', now: T0 + 6, inputs: [again] });
    if (decided.kind === 'refused') throw new Error(decided.why);
    expect(first(decided.next, T0 + 60_000)).toMatchObject({ code: 'fetching', clearedBy: 'node' });
  });

  it('that serves, is good and says that it waits for its wave waits for the others of it, however long that takes', () => {
    const state = aRollout([['ash', 'oak']]);
    const ash = { ...state.nodes['ash']!, permit: { nonce: 'x', at: T0, isSpent: true } };
    const permitted = { ...state, nodes: { ...state.nodes, ash } };
    for (const step of ['active', 'committed'] as const) {
      const soaked = after(permitted, 'ash', { step, soak: 'ok', waitsFor: 'wave' });
      expect(first(soaked, T0 + 50_000)).toMatchObject({
        code: 'quorum',
        clearedBy: 'node',
        what: 'it is good, and waits for the wave (for oak)',
      });
    }
  });

  it('is good with too few requests too, and it says what then decided', () => {
    const state = aRollout([['ash', 'oak']]);
    const ash = { ...state.nodes['ash']!, permit: { nonce: 'x', at: T0, isSpent: true } };
    const permitted = { ...state, nodes: { ...state.nodes, ash } };
    const soaked = after(permitted, 'ash', { step: 'active', soak: 'tooFewRequests' });
    expect(first(soaked, T0)?.what).toMatch(/fewer than \d+ requests.*its probe and its restarts decided.*is good/);
  });
});

describe('a pause', () => {
  it('names who made it, once for the rollout and not again for each node', () => {
    const paused = decide(after(aRollout([['ash']]), 'ash', { step: 'awaitingPermit', waitsFor: 'permit' }), {
      kind: 'pause',
      now: T0,
      by: 'ada',
      detail: 'lunch',
    });
    if (paused.kind === 'refused') throw new Error(paused.why);
    const view = viewOf(paused.next, 1, T0);
    expect(view.waits[0]?.what).toBe('ada paused it (lunch): `openward rollouts resume`');
    expect(view.nodes[0]?.waits).toMatchObject([{ code: 'byAdmin', what: 'the rollout is paused: by admin' }]);
  });
});

describe('a gate in error', () => {
  it('is shown with what it stumbled over, and named where the wave fails of it', () => {
    const said = { step: 'failed', outcome: 'noChange', reason: 'gateError', failure: 'contextTooLong' } as const;
    const view = viewOf(after(aRollout([['ash']]), 'ash', said), 1, T0);
    expect(view.nodes[0]?.failure).toMatchObject({ code: 'contextTooLong' });
    expect(view.nodes[0]?.failure?.what).toContain('shorten the policy');
    const detail = 'the system prompt has between 700 and 3000 tokens';
    const warned = aRollout([['ash']]);
    const plan = { ...warned.plan, warnings: [{ code: 'promptMayNotFit' as const, detail }] };
    expect(viewOf(after({ ...warned, plan }, 'ash', said), 1, T0).nodes[0]?.failure?.what).toContain(`(${detail})`);
    expect(view.ending).toEqual({ by: 'engine', why: '1 failed, 0 tolerated: ash (gate error: context too long)' });
  });
});

describe('the nodes of a rollout', () => {
  it('are listed by wave, in whatever order the store gives them', () => {
    const state = aRollout([['oak'], ['ash']]);
    const shuffled = { ...state, nodes: Object.fromEntries(Object.entries(state.nodes).toReversed()) };
    expect(viewOf(shuffled, 1, T0).nodes.map(({ node }) => node)).toEqual(['oak', 'ash']);
  });
});

describe('the open wave', () => {
  const wave = (state: RolloutState, outOfReach: readonly string[] = [], now = T0) =>
    waitsOfRollout(state, now, new Map(outOfReach.map((node) => [node, T0]))).find(({ code }) => code === 'quorum');

  it('is not left to time where its quorum needs a node that is out of reach', () => {
    expect(wave(aRollout([['ash', 'oak']]))).toMatchObject({ clearedBy: 'node' });
    const without = wave(aRollout([['ash', 'oak']]), ['oak']);
    expect(without).toMatchObject({ clearedBy: 'site' });
    expect(without?.what).toContain('it cannot pass without oak (unreached)');
  });

  it('is left to its nodes where enough others are there', () => {
    const half = { quorum: 0.5 };
    expect(wave(aRollout([['ash', 'oak']], half), ['oak'])).toMatchObject({ clearedBy: 'node' });
    const both = wave(aRollout([['ash', 'oak']], half), ['ash', 'oak']);
    expect(both?.what).toContain('it cannot pass without 1 of ash (unreached), oak (unreached)');
  });

  it('names an admin where too few are left, and where its time is over', () => {
    const declined = after(aRollout([['ash', 'oak']]), 'ash', { step: 'rejected', reason: 'rejectedBySite' });
    expect(wave(declined)).toMatchObject({ clearedBy: 'networkAdmin' });
    expect(wave(declined)?.what).toContain('1 declined; too few are left for it to pass');
    const over = aRollout([['ash', 'oak']]);
    expect(wave(over, [], T0 + 1e9)).toMatchObject({ clearedBy: 'networkAdmin' });
  });
});
