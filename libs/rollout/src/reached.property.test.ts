import { NodeStep, WaitCode } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import { nodesOf } from './wave-gate.ts';
import { aRollout, evidenceOf, inputOf, T0 } from './testing-fixtures.ts';
import { waitsOfNode } from './waits.ts';

const NODES = ['ash', 'oak', 'elm'] as const;

/** One report, about anything at all, some time after the one before it; most say what was said before. */
const reports = fc.array(
  fc.record({
    node: fc.constantFrom(...NODES),
    step: fc.constantFrom(...NodeStep.options),
    waitsFor: fc.constantFrom(undefined, 'wave' as const, ...WaitCode.options),
    soak: fc.constantFrom(undefined, 'running' as const, 'ok' as const, 'tooFewRequests' as const),
    permits: fc.boolean(),
    repeats: fc.integer({ min: 1, max: 3 }),
    isOfItself: fc.boolean(),
    afterMs: fc.integer({ min: 1, max: 40_000 }),
  }),
  { maxLength: 25 },
);

describe('a node that has reported since it was told something', () => {
  it('is never called unreached, whatever it says and however often it says the same (R7)', () => {
    fc.assert(
      fc.property(reports, (said) => {
        let state = aRollout([['ash', 'oak'], ['elm']], { waveDeadlineMs: 600_000, tolerated: 3, quorum: 0.5 });
        const newest = new Map<string, number>();
        let now = T0;
        let seq = 0;
        for (const { node, step, waitsFor, soak, permits, repeats, isOfItself, afterMs } of said) {
          if (permits) {
            const of = state.nodes[node]!;
            state = {
              ...state,
              nodes: { ...state.nodes, [node]: { ...of, permit: { nonce: 'x', at: now, isSpent: false } } },
            };
          }
          for (let nth = 0; nth < repeats; nth += 1) {
            now += afterMs;
            seq += 1;
            const status = { step, ...(waitsFor && { waitsFor }), ...(soak && { soak }) };
            const input = inputOf(state, node, seq, status, { at: now, evidence: evidenceOf(state, node) });
            // A state with nothing of the attempt in it is heard of too.
            const inputs = [isOfItself ? { ...input, service: null } : input];
            const decided = decide(state, { kind: 'tick', now, inputs });
            if (decided.kind === 'refused') throw new Error(decided.why);
            state = decided.next;
            newest.set(node, now);
            for (const it of nodesOf(state)) {
              if ((newest.get(it.node) ?? 0) <= it.phaseSince) continue;
              const codes = waitsOfNode(state, it, now + 60_000).map(({ code }) => code);
              expect(codes).not.toContain('unreached');
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
