import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { PeriodicExportingMetricReader, type MetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { resourceOf } from './resource.ts';
import type { TelemetryOptions } from './telemetry.ts';

/** Sends traces and metrics to a collector, and gives the metrics to these readers too. Gives the way to stop. */
export function startExport(
  options: TelemetryOptions & { readonly otlpUrl: string },
  readers: readonly MetricReader[],
): () => Promise<void> {
  const { otlpUrl } = options;
  const exporter = new OTLPMetricExporter({ url: `${otlpUrl}/v1/metrics` });
  const sdk = new NodeSDK({
    resource: resourceOf(options),
    autoDetectResources: false,
    metricReaders: [...readers, new PeriodicExportingMetricReader({ exporter })],
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${otlpUrl}/v1/traces` }) })],
    instrumentations: [...(options.instrumentations ?? [])],
  });
  sdk.start();
  return () => sdk.shutdown();
}
