import {
  canonicalJson,
  type ChangeClass,
  type ModelVariant,
  type ModelVersion,
  type Release,
} from '@openward/contracts';
import { policyChangeOf } from './change.ts';

/** What a release binds, less what is its own. */
export type Bound = Omit<Release, 'v' | 'number' | 'change'>;

/** The class, and which parts of the release differ: for the person who named another. */
export interface Change {
  readonly is: ChangeClass;
  readonly differs: readonly string[];
}

/**
 * The class of change that one release is after another of its service: what the last rollout brought, where it is made. Nobody
 * chooses it, and each narrow class means that nothing else differs: `policyText` and `policyRule` the policy alone, `quantisation`
 * the list of variants of one version, `adapter` an adapter on the same base by its files, template and context. Everything else is
 * `base`: several of these at once, other parameters and another suite too. What binds the same again is what the one before was.
 * It says nothing of the files that a node runs: what sites' standing rules go by is `changeAtNode`.
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

/** Of a variant: the files that a runtime opens. */
export type Files = Pick<ModelVariant, 'artifact' | 'base'>;

/** What serves at a node: all variants that its release binds, and the files of the one that runs. */
export interface Serving {
  readonly variants: readonly Files[];
  readonly runs: Files;
}

/**
 * What a change of release is at one node, which is taken from the files `serving.runs` to the files `next`. Standing rules go by it.
 * Other files than those that run are `base`, whatever else does not differ, with two exceptions: `quantisation` for files that the
 * release that serves already binds, since a name, a version and a registry prove nothing of weights; and `adapter` for one on the
 * very base that runs.
 */
export function changeAtNode({ is, differs }: Change, { variants, runs }: Serving, next: Files): Change {
  if (filesOf(runs) === filesOf(next)) return { is, differs };
  const moved = [...differs, 'variant'];
  if (differs.length === 0 || is === 'quantisation') {
    return { is: variants.some((it) => filesOf(it) === filesOf(next)) ? 'quantisation' : 'base', differs: moved };
  }
  const isAdapter = is === 'adapter' && next.base?.file === (runs.base ?? runs.artifact).file;
  return { is: isAdapter ? 'adapter' : 'base', differs: moved };
}

const PARTS = ['service', 'model', 'policy', 'parameters', 'suite'] as const satisfies readonly (keyof Bound)[];

function classOfModel(from: ModelVersion, to: ModelVersion): ChangeClass {
  const { variants: _from, ...before } = from;
  const { variants: _to, ...after } = to;
  if (canonicalJson(before) === canonicalJson(after)) return isQuantised(from, to) ? 'quantisation' : 'base';
  return to.kind === 'adapter' && isOnSameBase(from, to) ? 'adapter' : 'base';
}

const filesOf = ({ artifact, base }: Files): string => canonicalJson([artifact.file, base?.file ?? null]);

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
