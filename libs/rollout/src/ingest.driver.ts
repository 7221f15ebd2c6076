import { compareGenerations, type Log, type Report } from '@openward/contracts';
import type { ReportStore } from './ports.ts';

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
  settings: { readonly coalesceMs: number },
): Promise<Ingested> {
  const stored = await store.append(report, settings.coalesceMs);
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
      log.error('a node has seen a newer state than is held here', { node, reported: body.generation, held });
      await store.enterReadOnly({ node, reported: body.generation, held });
    }
  }
  return { kind: stored.kind, ackedThrough: stored.ackedThrough };
}
