import { Injectable } from '@nestjs/common';
import { controlPlaneMetrics } from '@openward/observability';

type Meters = ReturnType<typeof controlPlaneMetrics>;

/** What this process counts. Made after telemetry has started. */
@Injectable()
export class Metrics implements Meters {
  readonly reports: Meters['reports'];
  readonly reportsPutBack: Meters['reportsPutBack'];
  readonly ticks: Meters['ticks'];
  readonly permits: Meters['permits'];
  readonly callsRefused: Meters['callsRefused'];
  readonly desiredPuts: Meters['desiredPuts'];
  readonly requestSeconds: Meters['requestSeconds'];

  constructor() {
    const made = controlPlaneMetrics();
    this.reports = made.reports;
    this.reportsPutBack = made.reportsPutBack;
    this.ticks = made.ticks;
    this.permits = made.permits;
    this.callsRefused = made.callsRefused;
    this.desiredPuts = made.desiredPuts;
    this.requestSeconds = made.requestSeconds;
  }
}
