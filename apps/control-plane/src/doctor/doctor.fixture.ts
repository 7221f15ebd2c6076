import type { NodeView, RolloutNodeView, RolloutView } from '@openward/contracts';
import type { DoctorFacts } from './findings.ts';

// A network in which all is well, and parts of it to change.

export const NOW = Date.parse('2026-11-22T12:00:00Z');
export const at = (ms: number): string => new Date(NOW + ms).toISOString();
export const HOUR = 3_600_000;

export const HEALTHY: DoctorFacts = {
  now: NOW,
  network: { epoch: 1, readOnly: null },
  ahead: [],
  links: [{ role: 'engine', isConnected: true }],
  server: { version: '2.15.2', judged: { accepted: true, warnings: [] } },
  outbox: { nodes: 0, oldestMs: 0 },
  artifacts: { bytes: 1, quotaBytes: 100 },
  policies: [],
  refused: [],
  nodes: [],
  rollouts: [],
  ended: [],
  certificateUntil: null,
};

export const NODE: NodeView = {
  name: 'lakeside-1',
  site: 'lakeside',
  tier: 'referral',
  agentVersion: '0.1.0',
  protocol: 1,
  class: {
    threads: 2,
    memoryGiB: 4,
    diskGiB: 256,
    diskFreePercent: 50,
    runtime: 'ollama',
    runtimeServers: 1,
    runtimeVersion: '0.10.1',
    runtimeSafe: 'safe',
  },
  generation: null,
  services: [],
  lastReportAt: at(-60_000),
  link: { connected: true, since: at(-HOUR) },
  ackedThrough: 3,
  enrolledAt: at(-HOUR),
  credentialsUntil: at(HOUR),
  revokedAt: null,
  identityKeyId: 'x',
};

const DIGEST = `sha256:${'0'.repeat(64)}`;

export const aRolloutNode = (change: Partial<RolloutNodeView> = {}): RolloutNodeView => ({
  node: 'lakeside-1',
  site: 'lakeside',
  wave: 0,
  attempt: 1,
  assignment: 'ro-aaaaaaaa.lakeside-1.1',
  standing: 'unknown',
  step: null,
  outcome: null,
  reason: null,
  failure: null,
  gate: null,
  soak: null,
  waits: [],
  late: false,
  owed: false,
  ...change,
});

export const aRolloutView = (change: Partial<RolloutView> = {}): RolloutView => ({
  id: 'ro-aaaaaaaa',
  service: 'triage',
  release: { digest: DIGEST, number: 2 },
  planHash: DIGEST,
  status: 'running',
  wave: 0,
  pauses: [],
  waves: [],
  waits: [],
  nodes: [aRolloutNode()],
  startedAt: at(-2 * HOUR),
  endedAt: null,
  ending: null,
  startedBy: 'ada',
  awaited: 0,
  version: 1,
  ...change,
});
