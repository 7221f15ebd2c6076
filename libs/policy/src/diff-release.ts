import type { Release } from '@openward/contracts';
import type { Bound } from './class-of-change.ts';
import { fieldDiffs, type FieldDiff } from './field-diff.ts';

/** The variant that a node runs, by the digests of its files. */
export interface RunsHere {
  readonly variant: string;
  readonly artifact: string;
  readonly base: string | null;
}

export interface ReleaseHere {
  readonly release: Release;
  readonly runs: RunsHere;
}

/**
 * Everything in which two releases differ at one node beside their policies, whose difference is `diffPolicies`: service, model,
 * parameters and suite field by field, and under `here` the files that this node runs, which can change where the release's do not.
 */
export const diffReleases = (from: ReleaseHere, to: ReleaseHere): readonly FieldDiff[] =>
  fieldDiffs({ ...partsOf(from.release), here: from.runs }, { ...partsOf(to.release), here: to.runs });

/** Variants by their names, since one of many differs; the order beside them, since a node is given the first that it can run. */
function partsOf({ service, model: { variants, ...model }, parameters, suite }: Release): object {
  const parts = { service, model, parameters, suite } satisfies Record<Exclude<keyof Bound, 'policy'>, unknown>;
  const byName = Object.fromEntries(variants.map(({ variant, ...rest }) => [variant, rest]));
  return { ...parts, model: { ...model, variants: byName, variantOrder: variants.map(({ variant }) => variant) } };
}
