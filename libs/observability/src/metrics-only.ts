import { metrics } from '@opentelemetry/api';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { resourceOf, type Process } from './resource.ts';

/** Metrics without traces, for a process that no collector hears. Gives the way to stop. */
export function startMetrics(process: Process, readers: readonly MetricReader[]): () => Promise<void> {
  const provider = new MeterProvider({ resource: resourceOf(process), readers: [...readers] });
  metrics.setGlobalMeterProvider(provider);
  return () => provider.shutdown();
}
