import { metrics, type Counter, type Histogram } from '@opentelemetry/api';

// Names of everything that is measured, in one place. None has a label whose values come from what people write.

const meter = () => metrics.getMeter('openward');
const counter = (name: string, description: string): Counter => meter().createCounter(name, { description });
const histogram = (name: string, unit: string, description: string): Histogram =>
  meter().createHistogram(name, { unit, description });

export const controlPlaneMetrics = () => ({
  reports: counter('openward_reports_total', 'Reports by what became of them'),
  reportsPutBack: counter('openward_reports_put_back_total', 'Reports put back unread, after refused ones of the node'),
  ticks: counter('openward_rollout_ticks_total', 'Turns of rollouts'),
  permits: counter('openward_permits_total', 'Permits by answer'),
  callsRefused: counter('openward_calls_refused_total', 'Calls of nodes beyond the share of one'),
  desiredPuts: counter('openward_desired_puts_total', 'Desired states put, by outcome'),
  requestSeconds: histogram('openward_http_request_duration_seconds', 's', 'REST requests by route and status'),
});

export const nodeMetrics = () => ({
  requests: counter('openward_gateway_requests_total', 'Requests of applications by service and status'),
  requestSeconds: histogram('openward_gateway_request_duration_seconds', 's', 'Time to the last byte'),
  firstTokenSeconds: histogram('openward_gateway_first_token_seconds', 's', 'Time to the first token'),
  policyActions: counter('openward_policy_actions_total', 'Requests under a policy that has rules, by what it did'),
  runtimeExits: counter('openward_runtime_exits_total', 'Runtime processes that died'),
  fetchedBytes: counter('openward_fetched_bytes_total', 'Bytes fetched over the bulk connection'),
});
