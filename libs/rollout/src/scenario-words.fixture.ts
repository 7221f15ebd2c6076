import type { Assignment, DesiredState } from '@openward/contracts';
import type { AuditEntry } from './events.ts';
import { releaseDigest, T0 } from './testing-fixtures.ts';

// What the control plane does, in the words of a scenario.

export const seconds = (instant: string): string => `${(Date.parse(instant) - T0) / 1000} s`;
const numberOf = (digest: string | null): string => {
  const found = [1, 2, 3, 4, 5].find((number) => releaseDigest(number) === digest);
  return digest === null ? 'nothing' : `release ${found ?? '?'}`;
};

export function told(assignment: Assignment | null, desired: DesiredState): string {
  if (desired.recalled.length > 0 && assignment === null)
    return `knows that ${numberOf(desired.recalled[0]!)} is recalled`;
  if (assignment === null) return 'is told nothing';
  const recalled = desired.recalled.includes(assignment.release.digest) ? ' (recalled)' : '';
  const release = `release ${assignment.release.number}${recalled}`;
  const nth = assignment.attempt === 1 ? '' : `, attempt ${assignment.attempt}`;
  const words: Record<Assignment['phase'], string> = {
    prepare: `may prepare ${release} as ${assignment.variant.name}${nth}`,
    proceed: `may proceed with ${release} as ${assignment.variant.name}${nth}`,
    commit: `is to commit ${release}${nth}`,
    complete: `has ${release} as its last good${nth}`,
    withdraw: `is to drop ${release}${nth}`,
    rollBack: `is to go back from ${release} to ${numberOf(assignment.rollbackTarget)}${nth}`,
  };
  return words[assignment.phase];
}

export function sentence(entry: AuditEntry): string | null {
  const wave = `wave ${(entry.wave ?? 0) + 1}`;
  const detail = entry.detail === null || entry.detail === '' ? '' : `: ${entry.detail}`;
  const words: Record<AuditEntry['action'], string | null> = {
    rolloutStarted: `${entry.by} starts the rollout`,
    waveStarted: `${wave} begins`,
    wavePassed: `${wave} passes`,
    waveFailed: `${wave} fails${detail}`,
    waveInconclusive: `${wave} is inconclusive`,
    waveWaived: `${entry.by} waives ${wave}${detail}`,
    nodeFailed: `${entry.node} has failed${entry.reason === null ? '' : `: ${entry.reason}`}`,
    permitGranted: null,
    paused: `paused: ${entry.reason}`,
    resumed: `no longer paused: ${entry.reason}`,
    aborted: 'the rollout is aborted',
    rollBackStarted: `the rollout is rolled back${detail}`,
    rollBackOwed: `${entry.node} owes its way back`,
    rolledBack: `the rollout has been rolled back${detail}`,
    completed: 'the rollout is complete',
    lateAttempt: `${entry.node} comes late, as a wave of its own`,
    retried: `${entry.by} lets ${entry.node} try again`,
    harmNotice: `${entry.by} sends a notice of harm`,
    recalled: `${entry.by} recalls the release`,
    takenOver: `taken over: ${entry.detail}`,
  };
  return words[entry.action];
}
