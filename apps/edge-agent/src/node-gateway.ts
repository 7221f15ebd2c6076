import type { RequestListener } from 'node:http';
import type { NodeState } from '@openward/activation';
import type { Clock, Log } from '@openward/contracts';
import type { nodeMetrics } from '@openward/observability';
import type { SqliteApiKeys } from '@openward/persistence/node';
import type { AgentConfig } from './config.ts';
import type { Answering } from './gateway/answer.ts';
import { createGateway, type GatewayOptions } from './gateway/gateway.ts';
import type { ServedReleases } from './gateway/served.ts';
import type { LoadedReleases } from './node/model-runtime.ts';
import type { NodePolicies } from './node/node-policies.ts';
import { createRestored } from './node/restored.ts';
import { AGENT_VERSION } from './version.ts';

export interface NodeGatewayOptions {
  readonly config: AgentConfig;
  readonly answering: Answering;
  readonly models: Pick<LoadedReleases, 'size'>;
  readonly served: ServedReleases;
  readonly policies: NodePolicies;
  readonly apiKeys: SqliteApiKeys;
  readonly metrics: ReturnType<typeof nodeMetrics>;
  readonly state: () => NodeState;
  readonly isConnected: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** The gateway of this node: what serves here, under the site's own decisions, counted and told to its log. */
export function createNodeGateway(options: NodeGatewayOptions): RequestListener {
  const { config, answering, models, served, policies, apiKeys, clock, log } = options;
  const { gateway } = config;
  const isRestored = createRestored(options.state, served);
  return createGateway({
    ...answering,
    served,
    policies: {
      today: policies.today,
      onExpiry: () => policies.settings.onExpiry(),
      shadowOf: (service) => policies.shadows.shadowOf(service),
      counts: policies.counts,
    },
    keyOf: (digest) => apiKeys.idOf(digest),
    limits: { bytes: gateway.maxBodyBytes, ms: gateway.bodyTimeoutMs },
    version: AGENT_VERSION,
    health: () => ({
      restored: isRestored(),
      ready: served.list().some(({ release }) => release !== null),
      details: {
        status: isRestored() ? 'ok' : 'starting',
        connected: options.isConnected(),
        services: served.list(),
        loaded: models.size,
        policyTroubles: policies.troubles(),
      },
    }),
    observe: observer(options),
    log,
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
  });
}

const observer =
  ({ metrics, log }: NodeGatewayOptions): GatewayOptions['observe'] =>
  ({ service, status, ms, firstMs, policy, action }) => {
    metrics.requests.add(1, { service, status });
    metrics.requestSeconds.record(ms / 1000, { service });
    if (firstMs !== null) metrics.firstTokenSeconds.record(firstMs / 1000, { service });
    if (action !== null) metrics.policyActions.add(1, { service, action });
    if (policy === null) return;
    const event = action === 'refused' ? 'gateway.policyRefused' : 'gateway.policyActed';
    log.info(event, { service, status, ...policy });
  };
