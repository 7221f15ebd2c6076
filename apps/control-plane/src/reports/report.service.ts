import { Inject, Injectable } from '@nestjs/common';
import { Report, type NodeName } from '@openward/contracts';
import { contradictionIn } from '@openward/evaluation';
import { parseReportSubject } from '@openward/messaging';
import { ingestReport } from '@openward/rollout';
import { openDocument } from '@openward/trust';
import { CONTEXT, type Context } from '../process/context.ts';
import { Metrics } from '../process/metrics.ts';
import { clock } from '../process/ports.ts';
import { Commits } from './commits.ts';
import { RefusedReports } from './refused-reports.ts';

@Injectable()
export class ReportService {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(Commits) private readonly commits: Commits,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(RefusedReports) private readonly refused: RefusedReports,
  ) {}

  /** Verified over the received bytes, then parsed (V1); stored, and nothing decided (R9). */
  async take(subject: string, frame: Uint8Array): Promise<'committed' | 'refused'> {
    const { store, config, log, wakes } = this.context;
    const name = parseReportSubject(subject);
    if (name === null) {
      // No node has the right to; so nothing bounds this line.
      log.warn('report refused', { why: 'notASubject', subject });
      return this.count();
    }
    const record = await store.nodes.find(name.node);
    if (record === null || record.site !== name.site || record.revoked) return this.refuse(name, 'unknownNode');
    const opened = openDocument(subject, frame, [record.identityKey], Report);
    if ('refused' in opened) return this.refuse(name, opened.refused, opened.detail);
    const report = opened.value;
    if (report.site !== name.site || report.node !== name.node) return this.refuse(name, 'ofAnotherNode');
    const contradiction = await this.contradictionIn(report);
    if (contradiction !== null) log.warn('evidence contradicts itself', { ...name, contradiction });
    const settings = { coalesceMs: config.engine.coalesceMs, contradiction };
    const done = await ingestReport(store.reports, log, report, settings);
    if (done.kind === 'refused') return this.refuse(name, done.why);
    this.metrics.reports.add(1, { outcome: done.kind });
    this.commits.committed(name.node);
    wakes.ticks.wake();
    return 'committed';
  }

  /** Of a suite that is not known here no rollout measures anything: the fence leaves such evidence out (R2). */
  private async contradictionIn({ body }: Report): Promise<string | null> {
    if (body.type !== 'evidence') return null;
    const suite = await this.context.store.suites.findByDigest(body.suite);
    return suite === null ? null : contradictionIn(suite.document, body.bundled);
  }

  private refuse(name: NodeName, why: string, field?: string): 'refused' {
    const reports = this.refused.add(name, why, clock.wall());
    if (reports !== null) this.context.log.warn('report refused', { ...name, why, field, reports });
    return this.count();
  }

  private count(): 'refused' {
    this.metrics.reports.add(1, { outcome: 'refused' });
    return 'refused';
  }
}
