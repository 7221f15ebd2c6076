import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics, trace } from '@opentelemetry/api';
import { afterEach, expect, test } from 'vitest';
import { nodeMetrics } from './metrics.ts';
import { startTelemetry } from './telemetry.ts';
import { inSpan } from './trace-context.ts';

// One process has one telemetry; here each test starts its own.
afterEach(() => {
  metrics.disable();
  trace.disable();
});

test('with neither collector nor Prometheus nothing is exported, and with Prometheus the metrics can be read', async () => {
  const off = await startTelemetry({ service: 'x', version: '1', otlpUrl: null, prometheus: false });
  expect(await off.scrape()).toBeNull();
  const on = await startTelemetry({ service: 'x', version: '1', otlpUrl: null, prometheus: true });
  nodeMetrics().fetchedBytes.add(3);
  const text = await on.scrape();
  expect(text).toContain('service_name="x"');
  expect(text).toMatch(/^openward_fetched_bytes_total\S* 3$/m);
  await on.stop();
});

test('a collector hears what was measured and traced, up to the end, and Prometheus can be read beside it', async () => {
  const heard: string[] = [];
  const collector = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const otlpUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const both = await startTelemetry({ service: 'x', version: '1', otlpUrl, prometheus: true });
  nodeMetrics().fetchedBytes.add(5);
  await inSpan('a call', () => Promise.resolve());
  expect(await both.scrape()).toMatch(/^openward_fetched_bytes_total\S* 5$/m);
  await both.stop();
  collector.close();
  expect(heard.toSorted()).toEqual(['POST /v1/metrics', 'POST /v1/traces']);
});
