import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { REPORT_WILDCARD } from '@openward/contracts';
import { FrameContext, JETSTREAM } from '@openward/messaging/nest';
import { inSpan } from '@openward/observability';
import { ReportService } from './report.service.ts';

@Controller()
export class ReportController {
  constructor(@Inject(ReportService) private readonly reports: ReportService) {}

  /** Resolves after the commit; what is `refused` is not delivered again. */
  @EventPattern(REPORT_WILDCARD, JETSTREAM)
  take(@Payload() frame: Uint8Array, @Ctx() context: unknown): Promise<'committed' | 'refused'> {
    const { subject, traceparent } = context as FrameContext;
    return inSpan('report', () => this.reports.take(subject, frame), {
      parent: traceparent ?? undefined,
      kind: 'server',
    });
  }
}
