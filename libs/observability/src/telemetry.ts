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

/**
 * Starts traces and metrics for this process; what is measured before it resolves is lost. With neither a collector nor
 * Prometheus it starts nothing at all, and loads nothing: the SDK and its exporters are an eighth of an agent's start.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { otlpUrl, prometheus } = options;
  const scraped = prometheus ? (await import('./scraped.ts')).offerMetrics() : null;
  const readers = scraped === null ? [] : [scraped.reader];
  const scrape = (): Promise<string | null> => scraped?.scrape() ?? Promise.resolve(null);
  if (otlpUrl !== null) {
    const { startExport } = await import('./otlp.ts');
    return { scrape, stop: startExport({ ...options, otlpUrl }, readers) };
  }
  if (readers.length === 0) return { scrape, stop: () => Promise.resolve() };
  const { startMetrics } = await import('./metrics-only.ts');
  return { scrape, stop: startMetrics(options, readers) };
}
