import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import type { MetricReader } from '@opentelemetry/sdk-metrics';

export interface ScrapedMetrics {
  readonly reader: MetricReader;
  /** In Prometheus' text format. */
  scrape(): Promise<string>;
}

export function offerMetrics(): ScrapedMetrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  return { reader, scrape: () => textOf(reader) };
}

/** The exporter writes to an HTTP response only; this is the least that it needs of one. */
function textOf(exporter: PrometheusExporter): Promise<string> {
  return new Promise((resolve) => {
    const response = { statusCode: 200, setHeader() {}, end: (text: string) => resolve(text) };
    exporter.getMetricsRequestHandler({} as never, response as never);
  });
}
