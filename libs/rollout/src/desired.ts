import type { Assignment, DesiredState, Digest, Generation, Name } from '@openward/contracts';

export interface DesiredParts {
  readonly site: Name;
  readonly node: Name;
  readonly generation: Generation;
  readonly issuedAt: string;
  readonly ackedThrough: number;
  /** The newest assignment of each service for the node. */
  readonly assignments: readonly Assignment[];
  readonly recalled: readonly Digest[];
}

/** A node's whole desired state from its rows. The families are those of the files that its assignments name (D2). */
export function composeDesired(parts: DesiredParts): DesiredState {
  const assignments = [...parts.assignments].sort((a, b) => (a.service < b.service ? -1 : 1));
  const families = assignments.flatMap(({ variant, release, suite }) => [
    variant.artifact.family,
    ...(variant.base === undefined ? [] : [variant.base.family]),
    release.document.family,
    suite.artifact.family,
  ]);
  return {
    v: 1,
    minProtocol: 1,
    site: parts.site,
    node: parts.node,
    generation: parts.generation,
    issuedAt: parts.issuedAt,
    ackedThrough: parts.ackedThrough,
    services: assignments.map((assignment) => ({ service: assignment.service, assignment })),
    recalled: [...parts.recalled].sort(),
    families: [...new Set(families)].sort(),
  };
}
