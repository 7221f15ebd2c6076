import { canonicalJson, type ChangeClass, type ModelVersion, type Release } from '@openward/contracts';
import { changeOf } from '@openward/policy';

/** What a release binds, less what is its own. */
export type Bound = Omit<Release, 'v' | 'number' | 'change'>;

/** The class, and which parts of the release differ: for the person who named another. */
export interface Change {
  readonly is: ChangeClass;
  readonly differs: readonly string[];
}

/**
 * The class of change that a release has against the newest of its service. A site's standing rules go by it, so nobody chooses it,
 * and each narrow class means that nothing else differs: `policyText` and `policyRule` the policy alone, `quantisation` the variants
 * of the same version, `adapter` an adapter on the same base. Everything else is `base`: several of these at once, other parameters
 * and another suite too. What binds the same again is what the newest was.
 */
export function classOfChange(newest: Release | null, next: Bound): Change {
  if (newest === null) return { is: 'newService', differs: [] };
  const differs = PARTS.filter((part) => canonicalJson(newest[part]) !== canonicalJson(next[part]));
  const [first, ...others] = differs;
  if (first === undefined) return { is: newest.change, differs };
  if (others.length > 0) return { is: 'base', differs };
  if (first === 'model') return { is: classOfModel(newest.model, next.model), differs };
  // A revision that says the same as the one before is read by people all the same.
  if (first === 'policy') return { is: changeOf(newest.policy, next.policy) ?? 'policyText', differs };
  return { is: 'base', differs };
}

const PARTS = ['service', 'model', 'policy', 'parameters', 'suite'] as const satisfies readonly (keyof Bound)[];

function classOfModel(from: ModelVersion, to: ModelVersion): ChangeClass {
  const { variants: _from, ...before } = from;
  const { variants: _to, ...after } = to;
  if (canonicalJson(before) === canonicalJson(after)) return 'quantisation';
  return to.kind === 'adapter' && baseOf(from) === baseOf(to) ? 'adapter' : 'base';
}

const baseOf = ({ name, version, base }: ModelVersion): string =>
  base === undefined ? `${name} ${version}` : `${base.name} ${base.version}`;
