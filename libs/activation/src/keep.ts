import { artifactsOf, type ArtifactRef } from '@openward/contracts';
import type { Keep } from './events.ts';
import type { Durable, NodeState } from './model.ts';
import { heldOf } from './turn.ts';

/** D7's node side: last good, the target of a live rollout, the anchor, what is served, and what a live attempt brings. */
export function keepOf({ services }: Durable): Keep {
  const artifacts: ArtifactRef[] = [];
  const keys: string[] = [];
  for (const record of Object.values(services)) {
    for (const { key, document, artifact, base } of heldOf(record)) {
      keys.push(key);
      artifacts.push(document, artifact, ...(base === undefined ? [] : [base]));
    }
    const { attempt } = record;
    if (attempt === null || attempt.progress.at === 'ended') continue;
    artifacts.push(...artifactsOf(attempt.assignment));
  }
  return {
    manifests: sorted(artifacts.map(({ manifest }) => manifest)),
    files: sorted(artifacts.map(({ file }) => file)),
    keys: sorted(keys),
  };
}

export const keepOfBoth = (one: Keep, other: Keep): Keep => ({
  manifests: sorted([...one.manifests, ...other.manifests]),
  files: sorted([...one.files, ...other.files]),
  keys: sorted([...one.keys, ...other.keys]),
});

/** Whether any service has these files in memory, on their way there, or behind what it serves. */
export const isInUse = ({ work }: NodeState, key: string): boolean =>
  Object.values(work).some(
    ({ loaded, loading, served, switching }) =>
      loaded.includes(key) || [loading, served, switching].some((other) => other?.key === key),
  );

/** Something that was kept is needed no more. */
export const hasShrunk = (before: Keep, after: Keep): boolean =>
  before.files.some((file) => !after.files.includes(file)) || before.keys.some((key) => !after.keys.includes(key));

const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();
