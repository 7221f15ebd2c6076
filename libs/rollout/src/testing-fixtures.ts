import {
  assignmentId,
  digestOf,
  OLDEST_PROTOCOL,
  PlanRequest,
  PROTOCOL,
  type ArtifactRef,
  type AssignmentStatus,
  type Digest,
  type EvidenceBody,
  type ModelVariant,
  type Plan,
  type Release,
  type StateBody,
  type SuiteDocument,
  type Verdict,
  type VerdictReason,
  plainPolicy,
} from '@openward/contracts';
import { DEFAULT_ENGINE_SETTINGS, type NodeInput } from './events.ts';
import { plan } from './plan.ts';
import type { NodeFacts, PlanFacts } from './plan-facts.ts';
import { offerOf, startRollout } from './start.ts';
import { fileOfVariant, type RolloutState } from './state.ts';

// A small network for tests: one service, releases by number, nodes by name.

/** 2026-01-05T08:00:00Z. */
export const T0 = 1_767_600_000_000;
export const aDigest = (name: string): Digest => digestOf(name);
export const anArtifact = (name: string, size = 1000): ArtifactRef => ({
  manifest: aDigest(`manifest of ${name}`),
  file: aDigest(`file of ${name}`),
  size,
  family: 'triage-nano',
});

const aVariant = (variant: string, number: number, threads: number): ModelVariant => ({
  variant,
  artifact: anArtifact(`${variant} of release ${number}`, variant === 'f16' ? 1_300_000 : 700_000),
  needs: { threads, memoryBytes: 2 ** 20 },
});

export const aSuite = (gates?: SuiteDocument['gates']): SuiteDocument => ({
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: [{ id: 'k1-1', input: 'chest pain', expected: 'urgent', redFlag: true }],
  gates: gates ?? [
    { kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 },
    { kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 },
  ],
  rerunItems: 40,
  minimumDistinctPersons: 11,
});

export function aRelease(number: number, variants?: ModelVariant[]): Release {
  return {
    v: 1,
    service: {
      name: 'triage',
      purpose: 'sort messages by urgency',
      users: 'triage nurses',
      languages: ['en'],
      riskClass: 'high',
      fallbackText: 'Call the triage desk.',
    },
    number,
    change: 'base',
    model: {
      name: 'triage-nano',
      version: String(number),
      family: 'triage-nano',
      kind: 'base',
      template: {
        bos: '',
        system: { before: '', after: '' },
        user: { before: '', after: '' },
        assistant: { before: '', after: '' },
        stop: [],
      },
      contextLength: 256,
      trainingStatement: '',
      variants: variants ?? [aVariant('f16', number, 2), aVariant('q8_0', number, 1)],
    },
    policy: plainPolicy(''),
    parameters: { temperature: 0, maxTokens: 2 },
    suite: { name: 'triage-safety', version: 1, digest: aDigest('suite'), artifact: anArtifact('suite', 20_000) },
  };
}

export const releaseDigest = (number: number): Digest => digestOf(aRelease(number));

export const NODE_CLASS: StateBody['class'] = {
  threads: 2,
  memoryGiB: 4,
  diskGiB: 256,
  diskFreePercent: 50,
  runtime: 'llamaCpp',
  runtimeServers: 1,
  runtimeVersion: '3.21.1',
  runtimeSafe: 'safe',
};

/** What a node says of itself that serves nothing, with what matters to the test set. */
export const aState = (given: Partial<StateBody> = {}): StateBody => ({
  type: 'state',
  agentVersion: '0.1.0',
  protocol: 1,
  generation: null,
  class: NODE_CLASS,
  uptimeHours: 0,
  services: [],
  suites: [],
  ...given,
});

type NodeOptions = Partial<Omit<NodeFacts, 'reported'>> & {
  readonly reported?: Partial<NonNullable<NodeFacts['reported']>>;
};

export function aNode(node: string, options: NodeOptions = {}): NodeFacts {
  const { reported, ...rest } = options;
  return {
    node,
    site: `${node}-hospital`,
    tier: 'district',
    labels: {},
    linkBytesPerSecond: null,
    revoked: false,
    files: [],
    ...rest,
    reported: {
      class: NODE_CLASS,
      protocol: PROTOCOL,
      active: null,
      lastGood: null,
      halted: false,
      pinned: false,
      tooFewItems: false,
      loaded: [],
      changes: {},
      ...reported,
    },
  };
}

export function factsOf(
  nodes: readonly NodeFacts[],
  options: Partial<PlanFacts> & { readonly document?: Release } = {},
): PlanFacts {
  const { document = aRelease(2), ...rest } = options;
  return {
    release: { digest: digestOf(document), document, artifact: anArtifact(`release ${document.number}`, 3000) },
    suite: aSuite(),
    recalled: [],
    nodes,
    live: [],
    oldestProtocol: OLDEST_PROTOCOL,
    now: T0,
    ...rest,
  };
}

type RequestOptions = {
  readonly waves?: unknown;
  readonly settings?: Record<string, unknown>;
  readonly release?: number;
  readonly labels?: unknown;
};

export const aRequest = (options: RequestOptions = {}): PlanRequest =>
  PlanRequest.parse({
    service: 'triage',
    release: options.release ?? 2,
    select: { labels: options.labels ?? {} },
    ...(options.waves === undefined ? {} : { waves: options.waves }),
    settings: {
      waveDeadlineMs: 60_000,
      soak: { soakMs: 2000, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 5000 },
      ...options.settings,
    },
  });

export function planOf(request: PlanRequest, facts: PlanFacts): Plan {
  const made = plan(request, facts);
  if ('kind' in made) throw new Error(`${made.code}: ${made.why}`);
  return made;
}

/** A rollout of release 2 that has just started, with the named nodes in waves. */
export function aRollout(waves: readonly (readonly string[])[], settings: Record<string, unknown> = {}): RolloutState {
  const facts = factsOf(waves.flat().map((node) => aNode(node)));
  const bySites = waves.map((nodes) => ({ by: 'sites', sites: nodes.map((node) => `${node}-hospital`) }));
  const approved = planOf(aRequest({ waves: bySites, settings }), facts);
  const order = { id: 'ro-aaaaaaaa', now: T0, by: 'ada', plan: approved, offer: offerOf(facts), supersede: false };
  const started = startRollout(order, [], DEFAULT_ENGINE_SETTINGS);
  if (started.kind === 'refused') throw new Error(started.why);
  return started.rollout.next;
}

/** A reason of each verdict, for tests that do not care which. */
export const REASON: Readonly<Record<Verdict, VerdictReason>> = {
  pass: 'withinMargin',
  fail: 'marginExceeded',
  inconclusive: 'tooFew',
  error: 'candidateFailed',
};

export function evidenceOf(
  rollout: RolloutState,
  node: string,
  own: VerdictReason | null = 'withinMargin',
  bundled: VerdictReason = 'withinMargin',
  verdicts: { readonly own?: Verdict; readonly bundled?: Verdict } = {},
): EvidenceBody {
  const state = rollout.nodes[node];
  const planned = rollout.plan.waves.flatMap((wave) => wave.nodes).find((it) => it.node === node);
  if (state === undefined || planned === undefined) throw new Error(`no ${node}`);
  const verdictOf = (reason: VerdictReason): Verdict =>
    (Object.entries(REASON).find(([, it]) => it === reason)?.[0] as Verdict | undefined) ?? 'inconclusive';
  return {
    type: 'evidence',
    assignment: assignmentId(rollout.id, node, state.attempt),
    planHash: rollout.plan.hash,
    release: rollout.plan.release.digest,
    variantFile: fileOfVariant(rollout.offer, planned.variant) ?? aDigest('none'),
    suite: rollout.plan.suite,
    runtimeVersion: '3.21.1',
    bundled: { verdict: verdicts.bundled ?? verdictOf(bundled), reason: bundled, gates: [] },
    own: own === null ? null : { verdict: verdicts.own ?? verdictOf(own), reason: own },
  };
}

/** A report of the node on its present assignment. */
export function inputOf(
  rollout: RolloutState,
  node: string,
  seq: number,
  status: Partial<AssignmentStatus> & Pick<AssignmentStatus, 'step'>,
  more: {
    readonly evidence?: EvidenceBody | null;
    readonly pinned?: boolean;
    readonly boot?: string;
    readonly at?: number;
  } = {},
): NodeInput {
  const attempt = rollout.nodes[node]?.attempt ?? 1;
  return {
    node,
    boot: more.boot ?? '00000000-0000-4000-8000-000000000001',
    seq,
    at: more.at ?? T0 + seq,
    service: {
      service: rollout.service,
      active: null,
      lastGood: null,
      anchor: null,
      serving: 'serving',
      pinned: more.pinned ?? false,
      assignment: {
        assignment: assignmentId(rollout.id, node, attempt),
        planHash: rollout.plan.hash,
        restarts: 0,
        ...status,
      },
    },
    evidence: more.evidence ?? null,
  };
}
