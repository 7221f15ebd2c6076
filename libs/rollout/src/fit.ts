import type {
  ArtifactRef,
  BlockedNode,
  BlockerCode,
  ChangeClass,
  ModelVariant,
  PlannedNode,
  WarningCode,
} from '@openward/contracts';
import type { NodeFacts, PlanFacts, ReportedNode } from './plan-facts.ts';
import { judgePolicyTime } from './policy-time.ts';

// One node and one release: which variant, in which memory mode, or what is in the way (R1, N6, N7).

const GIB = 2 ** 30;

export type Fit =
  | { readonly kind: 'fits'; readonly planned: PlannedNode }
  | { readonly kind: 'blocked'; readonly blocked: BlockedNode };

export function fitNode(node: NodeFacts, facts: PlanFacts): Fit {
  const block = (why: BlockerCode, detail: string): Fit => ({
    kind: 'blocked',
    blocked: { node: node.node, site: node.site, why, detail },
  });
  const { reported } = node;
  if (node.revoked) return block('revoked', 'the node was revoked');
  if (reported === null) return block('neverReported', 'the node has not reported yet, so its class is unknown');
  if (reported.protocol < facts.oldestProtocol) {
    return block(
      'agentTooOld',
      `it speaks protocol ${reported.protocol}; the oldest served is ${facts.oldestProtocol}`,
    );
  }
  const { policy } = facts.release.document;
  if (reported.protocol < policy.minProtocol) {
    const needs = `the policy ${policy.id}@${policy.revision} needs ${policy.minProtocol}`;
    return block('agentTooOld', `it speaks protocol ${reported.protocol}; ${needs}`);
  }
  const time = judgePolicyTime(policy, facts.now);
  if (time.kind === 'blocks') return block(time.why, time.detail);
  if (reported.class.runtimeSafe === 'refused') {
    return block('runtimeUnsafe', `${reported.class.runtime} ${reported.class.runtimeVersion} is refused`);
  }
  if (reported.halted) return block('serviceHalted', 'the site has halted the service');
  if (reported.pinned) return block('servicePinned', 'the site has pinned the service');
  const held = facts.live.find((it) => it.node === node.node && !it.canSupersede);
  if (held !== undefined) return block('liveRollout', `${held.rollout} still takes it back`);

  const { model } = facts.release.document;
  const variant = model.variants.find((it) => meetsNeeds(it, reported));
  const has = `${reported.class.threads} threads and ${reported.class.memoryGiB} GiB`;
  if (variant === undefined)
    return block('noVariantFits', `${has}: no variant of ${model.variants.length} needs so little`);
  if (model.kind === 'adapter' && variant.base === undefined) {
    return block('baseMismatch', `variant ${variant.variant} is an adapter and names no base`);
  }
  const memory = judgeMemory(reported, variant);
  if (memory !== null) return block(memory.why, memory.detail);
  const missing = missingFiles(node, facts, variant);
  const space = judgeSpace(reported, variant, missing);
  if (space !== null) return block('spaceTooSmall', space);
  return { kind: 'fits', planned: planNode(node, reported, variant, bytesOf(missing), facts) };
}

/** R1: the first in the version's own order whose declared needs the node's class meets; it is never another silently. */
const meetsNeeds = (variant: ModelVariant, reported: ReportedNode): boolean =>
  variant.needs.threads <= reported.class.threads && variant.needs.memoryBytes <= reported.class.memoryGiB * GIB;

/**
 * N6: side by side only, since swapping is not built. Everything that is active and the candidate must fit at once. An Ollama
 * keeps a base in memory once, alone or with one set of adapters, so each other set on that base needs an Ollama more.
 */
function judgeMemory(reported: ReportedNode, variant: ModelVariant): { why: BlockerCode; detail: string } | null {
  const { runtime, runtimeServers } = reported.class;
  const candidate = variant.artifact.file;
  const base = variant.base?.file ?? candidate;
  const others = reported.loaded.filter((it) => (it.base ?? it.file) === base && it.file !== candidate);
  const inTheWay = new Set(others.map((it) => it.file)).size;
  if (runtime === 'ollama' && inTheWay >= runtimeServers) {
    const services = [...new Set(others.map((it) => it.service))].join(', ');
    const ollamas = runtimeServers === 1 ? 'the one Ollama' : `the ${runtimeServers} Ollamas`;
    return { why: 'needsSwap', detail: `the same base serves otherwise in ${ollamas}, for ${services}; add an Ollama` };
  }
  const active = reported.loaded.reduce((sum, it) => sum + it.memoryBytes, 0);
  const room = reported.class.memoryGiB * GIB;
  if (active + variant.needs.memoryBytes <= room) return null;
  const staying = reported.loaded
    .filter((it) => it.release !== reported.active)
    .reduce((sum, it) => sum + it.memoryBytes, 0);
  const sums = `${active} bytes are active, ${variant.variant} needs ${variant.needs.memoryBytes}, of ${room}`;
  return { why: staying + variant.needs.memoryBytes <= room ? 'needsSwap' : 'memoryTooSmall', detail: sums };
}

/** Whole files: what an earlier version already brought is saved besides, and shown by the transfer itself. */
function missingFiles(node: NodeFacts, facts: PlanFacts, variant: ModelVariant): readonly ArtifactRef[] {
  const wanted = [variant.artifact, variant.base, facts.release.artifact, facts.release.document.suite.artifact];
  return wanted.filter((it) => it !== undefined).filter((it) => !node.files.includes(it.file));
}

const bytesOf = (files: readonly ArtifactRef[]): number => files.reduce((sum, it) => sum + it.size, 0);

/**
 * N7: what is fetched, and the copy of the weights that Ollama keeps, against what is surely free: the class rounds both the
 * disk and its free share down. Of a share that it tells as 0 only "under 5 %" is known; then those 5 % are the measure, and
 * the node itself says when it is full.
 */
function judgeSpace(
  { class: { diskGiB, diskFreePercent, runtime } }: ReportedNode,
  variant: ModelVariant,
  missing: readonly ArtifactRef[],
): string | null {
  const weights = [variant.artifact.file, variant.base?.file];
  const copied = runtime === 'ollama' ? bytesOf(missing.filter((it) => weights.includes(it.file))) : 0;
  const needed = bytesOf(missing) + copied;
  const free = Math.floor((diskGiB * GIB * Math.max(5, diskFreePercent)) / 100);
  if (needed <= free) return null;
  const besides = copied === 0 ? '' : `, ${copied} of them for the copy that Ollama keeps`;
  const share = diskFreePercent === 0 ? 'less than 5 %' : `${diskFreePercent} %`;
  return `${needed} bytes are needed${besides}; ${share} of a disk of ${diskGiB} GiB is free, taken as ${free}: ${needed - free} too few`;
}

function planNode(
  node: NodeFacts,
  reported: ReportedNode,
  variant: ModelVariant,
  bytes: number,
  facts: PlanFacts,
): PlannedNode {
  const warnings: WarningCode[] = [];
  if (reported.tooFewItems) warnings.push('tooFewItems');
  if (reported.class.runtimeSafe === 'unsafeAllowed') warnings.push('unsafeRuntimeAllowed');
  if (reported.active === facts.release.digest) warnings.push('alreadyThere');
  const isTargetRecalled = reported.lastGood !== null && facts.recalled.includes(reported.lastGood);
  const link = node.linkBytesPerSecond;
  return {
    node: node.node,
    site: node.site,
    from: reported.active,
    change: changeHere(reported, variant),
    variant: variant.variant,
    // A recalled release is never chosen again, on the way back either: such a node would stop serving.
    rollbackTarget: isTargetRecalled ? null : reported.lastGood,
    memoryMode: 'sideBySide',
    shown: {
      tier: node.tier,
      why: whyVariant(variant, reported, facts.release.document.model.variants),
      bytes,
      seconds: link === null ? null : bytes / link,
      warnings,
    },
  };
}

/**
 * A site that has skipped releases gets all that they brought, and one whose variant is picked anew gets other files: the narrow
 * class of the last step is not what happens there (N2).
 */
const changeHere = ({ active, changes }: ReportedNode, { variant }: ModelVariant): ChangeClass =>
  active === null ? 'newService' : (changes[variant] ?? 'base');

function whyVariant(variant: ModelVariant, reported: ReportedNode, all: readonly ModelVariant[]): string {
  const { threads, memoryGiB } = reported.class;
  const skipped = all.slice(0, all.indexOf(variant)).map((it) => {
    if (it.needs.threads > threads) return `${it.variant} needs ${it.needs.threads} threads, the node gives ${threads}`;
    return `${it.variant} needs ${it.needs.memoryBytes} bytes, the node gives ${memoryGiB} GiB`;
  });
  return skipped.length === 0 ? 'the first variant fits' : skipped.join('; ');
}
