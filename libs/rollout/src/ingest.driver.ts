import { compareGenerations, type Log, type Report } from '@openward/contracts';
import type { Ahead, ReportStore } from './ports.ts';

export type Ingested =
  | { readonly kind: 'refused'; readonly why: 'unknownNode' }
  | { readonly kind: 'stored' | 'duplicate'; readonly ackedThrough: number };

/**
 * A report whose signature was verified and whose site and node are those of its subject. It may be acknowledged to the
 * stream once this resolves: the row is committed. Nothing is decided here; its rollouts are marked due (R9).
 */
export async function ingestReport(
  store: ReportStore,
  log: Log,
  report: Report,
  settings: {
    readonly coalesceMs: number;
    /** Evidence whose verdict is not what its counts give: stored and acknowledged, and as if it had not come. */
    readonly contradiction?: string | null;
  },
): Promise<Ingested> {
  const stored = await store.append(report, settings.coalesceMs, settings.contradiction ?? null);
  if (stored.kind === 'unknownNode') {
    log.warn('report of an unknown node', { site: report.site, node: report.node });
    return { kind: 'refused', why: 'unknownNode' };
  }
  if (stored.kind === 'stored' && report.seq <= stored.ackedBefore) {
    // D4: the sequence runs on across boots, so this node was restored from a snapshot; the node settles that itself (P8).
    log.warn('report below what was acknowledged', { node: report.node, seq: report.seq, acked: stored.ackedBefore });
  }
  const { body, node } = report;
  if (body.type === 'state' && body.generation !== null) {
    const { held } = stored;
    if (held === null || compareGenerations(body.generation, held) > 0) {
      await heed(store, log, { node, reported: body.generation, held });
    }
  }
  return { kind: stored.kind, ackedThrough: stored.ackedThrough };
}

/**
 * D6 by more than one voice. A restored backup is behind nodes everywhere, and a single site could be lying: what it says must
 * not stop the network. Where only one site is enrolled, there is no other to ask.
 */
async function heed(store: ReportStore, log: Log, why: Ahead): Promise<void> {
  const { ahead, enrolledSites } = await store.voices();
  if (ahead.length >= Math.min(2, enrolledSites) && ahead.length > 0) {
    log.error('nodes have seen a newer state than is held here', { ...why });
    await store.enterReadOnly(why);
    return;
  }
  log.warn('a node alone reports a generation that was never given to it', { ...why });
  await store.noteLoneVoice(why);
}
