import { canonicalJson, type ChangeClass, type ModelVersion, type Release } from '@openward/contracts';
import { policyChangeOf } from './change.ts';

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
 * else differs: `policyText` and `policyRule` the policy alone, `quantisation` variants of the same version that are known by their
 * files, `adapter` an adapter on the same base by its files, template and context. Everything else is `base`: several of these at once, other parameters and another suite too. What binds the same
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
  if (first === 'policy') return { is: policyChangeOf(before.policy, next.policy) ?? 'policyText', differs };
  return { is: 'base', differs };
}

const PARTS = ['service', 'model', 'policy', 'parameters', 'suite'] as const satisfies readonly (keyof Bound)[];

function classOfModel(from: ModelVersion, to: ModelVersion): ChangeClass {
  const { variants: _from, ...before } = from;
  const { variants: _to, ...after } = to;
  if (canonicalJson(before) === canonicalJson(after)) return isQuantised(from, to) ? 'quantisation' : 'base';
  return to.kind === 'adapter' && isOnSameBase(from, to) ? 'adapter' : 'base';
}

const filesOf = ({ artifact, base }: ModelVersion['variants'][number]): string =>
  canonicalJson([artifact.file, base?.file ?? null]);

/** A name can be given to any weights: of a variant that both have, the files are the same, and one at least both have. */
function isQuantised(from: ModelVersion, to: ModelVersion): boolean {
  const before = new Map(from.variants.map((it) => [it.variant, filesOf(it)]));
  const both = to.variants.filter((it) => before.has(it.variant));
  return both.length > 0 && both.every((it) => before.get(it.variant) === filesOf(it));
}

/** By the base's files as well as its name, and with the same way of being asked. */
function isOnSameBase(from: ModelVersion, to: ModelVersion): boolean {
  const known = new Set(from.variants.map((it) => (it.base ?? it.artifact).file));
  return (
    nameOfBase(from) === nameOfBase(to) &&
    to.variants.every(({ base }) => base !== undefined && known.has(base.file)) &&
    from.family === to.family &&
    from.contextLength === to.contextLength &&
    canonicalJson(from.template) === canonicalJson(to.template)
  );
}

const nameOfBase = ({ name, version, base }: ModelVersion): string =>
  base === undefined ? `${name} ${version}` : `${base.name} ${base.version}`;
