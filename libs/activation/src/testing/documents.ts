import {
  type ArtifactRef,
  type Assignment,
  assignmentId,
  type DesiredState,
  digestOf,
  type Name,
  type Verdict,
  type VerdictReason,
} from '@openward/contracts';
import type { EvaluationResult } from '../model.ts';

// Documents as a control plane would write them, for tests.

export const anArtifact = (name: string): ArtifactRef => ({
  manifest: digestOf(`manifest ${name}`),
  file: digestOf(`file ${name}`),
  size: 1000,
  family: 'nano',
});

export const releaseDigest = (service: Name, number: number): string => digestOf(`release ${service} ${number}`);

export interface AssignmentSketch extends Partial<Omit<Assignment, 'release'>> {
  readonly number?: number;
  readonly node?: Name;
}

/** Release `number` of a service, in a rollout of its own unless one is given. */
export function anAssignment({ number = 1, node = 'n1', ...given }: AssignmentSketch = {}): Assignment {
  const service = given.service ?? 'triage';
  const attempt = given.attempt ?? 1;
  const rollout = given.rollout ?? `ro-${service.slice(0, 4)}${String(number).padStart(8, '0')}`;
  return {
    id: assignmentId(rollout, node, attempt),
    rollout,
    planHash: digestOf(`plan ${rollout}`),
    attempt,
    phase: 'proceed',
    service,
    release: {
      digest: releaseDigest(service, number),
      number,
      change: number === 1 ? 'newService' : 'adapter',
      model: 'nano',
      modelVersion: String(number),
      document: anArtifact(`document ${service} ${number}`),
    },
    variant: { name: 'q8_0', artifact: anArtifact(`weights ${service} ${number}`), memoryMode: 'sideBySide' },
    suite: {
      name: 'suite',
      version: 1,
      digest: digestOf('suite'),
      artifact: anArtifact('suite'),
      readsSiteData: true,
      bundledItems: 160,
    },
    from: null,
    rollbackTarget: null,
    soak: { soakMs: 2000, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 1000 },
    windows: [],
    seed: 1,
    ...given,
  };
}

export const aDesiredState = (
  number: number,
  assignments: readonly Assignment[],
  rest: Partial<DesiredState> = {},
): DesiredState => ({
  v: 1,
  minProtocol: 1,
  site: 's1',
  node: 'n1',
  generation: { epoch: 1, number },
  issuedAt: '2026-01-01T00:00:00Z',
  ackedThrough: 0,
  services: assignments.map((assignment) => ({ service: assignment.service, assignment })),
  recalled: [],
  families: ['nano'],
  ...rest,
});

const aResult = (verdict: Verdict, reason: VerdictReason): EvaluationResult => ({
  verdict,
  reason,
  bundled: { verdict, reason, gates: [] },
  own: { verdict, reason },
  runtimeVersion: '1.0',
});

export const RESULTS: Readonly<Record<Verdict, EvaluationResult>> = {
  pass: aResult('pass', 'withinMargin'),
  fail: aResult('fail', 'marginExceeded'),
  inconclusive: aResult('inconclusive', 'betweenBounds'),
  error: aResult('error', 'candidateFailed'),
};
