import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { PeriodicExportingMetricReader, type MetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Instrumentation } from '@opentelemetry/instrumentation';

export interface TelemetryOptions {
  readonly service: string;
  readonly version: string;
  /** Base address of an OTLP/HTTP collector. Null: nothing is exported, which is the default everywhere. */
  readonly otlpUrl: string | null;
  /** Offers metrics to be scraped, without a port of its own: `scrape` gives the text. */
  readonly prometheus: boolean;
  readonly instrumentations?: readonly Instrumentation[];
}

export interface Telemetry {
  /** The metrics in Prometheus' text format; null where they are not offered. */
  scrape(): Promise<string | null>;
  stop(): Promise<void>;
}

/** Starts traces and metrics for this process. With neither a collector nor Prometheus it starts nothing at all. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const prometheus = options.prometheus ? new PrometheusExporter({ preventServerStart: true }) : null;
  const readers: MetricReader[] = prometheus === null ? [] : [prometheus];
  if (options.otlpUrl !== null) {
    readers.push(
      new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url: `${options.otlpUrl}/v1/metrics` }) }),
    );
  }
  if (readers.length === 0) return { scrape: () => Promise.resolve(null), stop: () => Promise.resolve() };
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': options.service, 'service.version': options.version }),
    autoDetectResources: false,
    metricReaders: readers,
    spanProcessors:
      options.otlpUrl === null
        ? []
        : [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${options.otlpUrl}/v1/traces` }) })],
    instrumentations: [...(options.instrumentations ?? [])],
  });
  sdk.start();
  return {
    scrape: async () => (prometheus === null ? null : textOf(prometheus)),
    stop: () => sdk.shutdown(),
  };
}

/** The exporter writes to an HTTP response only; this is the least that it needs of one. */
function textOf(exporter: PrometheusExporter): Promise<string> {
  return new Promise((resolve) => {
    const response = { statusCode: 200, setHeader() {}, end: (text: string) => resolve(text) };
    exporter.getMetricsRequestHandler({} as never, response as never);
  });
}
