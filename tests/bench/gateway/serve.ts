import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PolicyRule } from '@openward/contracts';
import { nodeMetrics, startTelemetry } from '@openward/observability';
import type { Runtime } from '@openward/runtime';
import type { CountTokens } from '../../../apps/edge-agent/src/gateway/answer.ts';
import { NO_SITE_TERMS } from '@openward/policy';
import { compiledPolicy } from '../../../apps/edge-agent/src/gateway/compiled.ts';
import { createGateway } from '../../../apps/edge-agent/src/gateway/gateway.ts';
import { PolicyCounts } from '../../../apps/edge-agent/src/gateway/policy-counts.ts';
import { ServedReleases } from '../../../apps/edge-agent/src/gateway/served.ts';
import { Slots } from '../../../apps/edge-agent/src/gateway/slots.ts';
import { todayIn } from '../../../apps/edge-agent/src/gateway/today.ts';
import { KEY_DIGEST } from './exchange.ts';
import { releaseOf } from './release.ts';

/** The agent's own gateway, put together as the agent does, with metrics counted. */
export async function serveGateway(
  runtime: Runtime,
  countTokens: CountTokens,
  atOnce: number,
  rules: readonly PolicyRule[] = [],
  marks: readonly string[] = [],
): Promise<{ readonly url: string; readonly served: ServedReleases }> {
  await startTelemetry({ service: 'bench', version: '0', otlpUrl: null, prometheus: true });
  const metrics = nodeMetrics();
  const served = new ServedReleases({
    releaseOf: ({ number }) => Promise.resolve(releaseOf(number, rules)),
    cameFrom: () => null,
    compile: (policy) => compiledPolicy(policy, NO_SITE_TERMS),
    terms: () => NO_SITE_TERMS,
    drainMs: 5000,
    now: () => Date.now(),
  });
  const today = todayIn('UTC', () => Date.now());
  const gateway = createGateway({
    runtime,
    served,
    policies: { today, onExpiry: () => 'goOn', shadowOf: () => null, counts: new PolicyCounts(today) },
    slots: new Slots(atOnce, 64),
    countTokens,
    marksOf: () => Promise.resolve(marks),
    keyOf: (digest) => (digest === KEY_DIGEST ? 'bench' : null),
    limits: { bytes: 1_048_576, ms: 10_000 },
    version: '0.1.0',
    health: () => ({ restored: true, ready: true, details: {} }),
    observe: ({ service, status, ms, firstMs }) => {
      metrics.requests.add(1, { service, status });
      metrics.requestSeconds.record(ms / 1000, { service });
      if (firstMs !== null) metrics.firstTokenSeconds.record(firstMs / 1000, { service });
    },
    log: { info: () => {}, warn: () => {}, error: () => {} },
    monotonic: () => performance.now(),
    wall: () => Date.now(),
  });
  const server = createServer({ requestTimeout: 0 }, gateway);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, served };
}
