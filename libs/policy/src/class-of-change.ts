import { canonicalJson, type ChangeClass, type ModelVersion, type Release } from '@openward/contracts';
import { changeOf } from './change.ts';

/** What a release binds, less what is its own. */
export type Bound = Omit<Release, 'v' | 'number' | 'change'>;

/** The class, and which parts of the release differ: for the person who named another. */
export interface Change {
  readonly is: ChangeClass;
  readonly differs: readonly string[];
}

/**
 * The class of change that one release is after another of its service: what the last rollout brought, where it is made; what a
 * node serves, where it is planned. A site's standing rules go by it, so nobody chooses it, and each narrow class means that nothing
 * else differs: `policyText` and `policyRule` the policy alone, `quantisation` the variants of the same version, `adapter` an adapter
 * on the same base. Everything else is `base`: several of these at once, other parameters and another suite too. What binds the same
 * again is what the one before was.
 */
export function classOfChange(before: Release | null, next: Bound): Change {
  if (before === null) return { is: 'newService', differs: [] };
  const differs = PARTS.filter((part) => canonicalJson(before[part]) !== canonicalJson(next[part]));
  const [first, ...others] = differs;
  if (first === undefined) return { is: before.change, differs };
  if (others.length > 0) return { is: 'base', differs };
  if (first === 'model') return { is: classOfModel(before.model, next.model), differs };
  // A revision that says the same as the one before is read by people all the same.
  if (first === 'policy') return { is: changeOf(before.policy, next.policy) ?? 'policyText', differs };
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
