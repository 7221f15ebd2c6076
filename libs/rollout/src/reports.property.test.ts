import type { NodeStep, Report } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_ENGINE_SETTINGS as SETTINGS } from './events.ts';
import { ingestReport } from './ingest.driver.ts';
import { memoryStores } from './memory-store.ts';
import { aRollout, aState, inputOf, NODE_CLASS, T0 } from './testing-fixtures.ts';
import { tickOnce } from './tick.driver.ts';

const QUIET = { info: () => {}, warn: () => {}, error: () => {} };
const ASH = { site: 'ash-hospital', node: 'ash' };
const STEPS: readonly NodeStep[] = ['offered', 'fetching', 'staged'];

const aReport = (seq: number, step: NodeStep, progress: number, boot: number): Report => {
  const { service } = inputOf(aRollout([['ash']]), 'ash', seq, { step, progress });
  if (service === null) throw new Error('no service');
  return {
    v: 1,
    ...ASH,
    boot: `00000000-0000-4000-8000-00000000000${boot}`,
    seq,
    ledger: { seq, head: `sha256:${'0'.repeat(64)}` },
    body: aState({
      // News of the node, and none to a rollout.
      class: { ...NODE_CLASS, diskFreePercent: seq },
      services: [service],
    }),
  };
};

/** A node's own reports by sequence, from 1, over few words so that many repeat; then an order, with copies, of arrival. */
const arrivals = fc
  .array(fc.tuple(fc.constantFrom(...STEPS), fc.constantFrom(0.25, 0.5)), { minLength: 1, maxLength: 12 })
  .map((said) => said.map(([step, progress], at) => aReport(at + 1, step, progress, at < 6 ? 1 : 2)))
  .chain((reports) => fc.array(fc.constantFrom(...reports), { minLength: 1, maxLength: 30 }));

describe('reports in any order of arrival, late and twice (R2, R9)', () => {
  it('leave what the newest said, and write the rollout only when that is another thing than before', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (reports) => {
        const stores = memoryStores({ wall: () => T0 });
        stores.enrol(ASH);
        const state = aRollout([['ash']]);
        const change = { state, effects: [], dueAt: null, open: true };
        await stores.rollouts.start('triage', () => ({ start: { rollout: change, others: [] }, result: null }));
        const read = async () => (await stores.rollouts.read(state.id))!;
        let newest = 0;
        for (const report of reports) {
          const before = await read();
          await ingestReport(stores.reports, QUIET, report, { coalesceMs: 0 });
          while (await tickOnce(stores.rollouts, QUIET, SETTINGS));
          newest = Math.max(newest, report.seq);
          const after = await read();
          const told = reports.find((it) => it.seq === newest)!.body;
          const status = told.type === 'state' ? told.services[0]?.assignment : undefined;
          expect(after.state.nodes['ash']?.said).toMatchObject({ step: status?.step, progress: status?.progress });
          const said = (of: typeof before) => of.state.nodes['ash']?.said;
          const isNews = JSON.stringify(said(after)) !== JSON.stringify(said(before));
          expect(after.version).toBe(before.version + (isNews ? 1 : 0));
          expect(after.state.nodes['ash']?.seen?.seq).toBeLessThanOrEqual(newest);
        }
      }),
      { numRuns: 100 },
    );
  });
});
