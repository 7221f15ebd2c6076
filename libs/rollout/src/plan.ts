import { digestOf, SOAK_FLOOR, type BlockedNode, type Digest, type Plan, type PlanRequest } from '@openward/contracts';
import { asksFor, chooseWaves, hasLabels, type Candidate } from './choose-waves.ts';
import { judgeContext } from './context-fit.ts';
import { fitNode } from './fit.ts';
import { lengthInWords } from './in-words.ts';
import { refusePlan, type NodeFacts, type PlanFacts, type PlanRefusal } from './plan-facts.ts';
import { judgePolicyTime } from './policy-time.ts';

/** The exact nodes, waves, variants and gates, and what is in the way. The dry run is this; what is approved is its hash (R1). */
export function plan(request: PlanRequest, facts: PlanFacts): Plan | PlanRefusal {
  if (facts.recalled.includes(facts.release.digest)) {
    return refusePlan('releaseRecalled', `${request.service} release ${request.release} is recalled`);
  }
  const low = refuseLowSoak(request);
  if (low !== null) return low;
  const selected = facts.nodes.filter((node) => hasLabels(node, request.select.labels));
  if (selected.length === 0) {
    return refusePlan('noSitesSelected', `no enrolled node has the labels ${JSON.stringify(request.select.labels)}`);
  }
  const candidates: Candidate[] = [];
  const blocked: BlockedNode[] = [];
  for (const node of selected) {
    const fit = fitNode(node, facts);
    if (fit.kind === 'blocked') blocked.push(fit.blocked);
    else candidates.push({ node: node.node, facts: node, planned: fit.planned });
  }
  blocked.sort((a, b) => (a.node < b.node ? -1 : 1));
  const lines = blocked.map((it) => `${it.node}: ${it.why}, ${it.detail}`);
  if (candidates.length === 0) return refusePlan('planBlocked', 'every node selected is blocked', lines);

  const misspelt = refuseUnknownSites(request, facts, selected);
  if (misspelt !== null) return misspelt;
  const chosen = chooseWaves(candidates, request.waves, request.settings.seed);
  const empty = refuseEmptyWave(request, chosen, selected, blocked);
  if (empty !== null) return empty;
  const waves = chosen.filter((wave) => wave.length > 0).map((wave) => ({ nodes: wave.map((it) => it.planned) }));
  const planned = new Set(waves.flatMap((wave) => wave.nodes.map((node) => node.node)));
  const content = {
    service: request.service,
    release: { digest: facts.release.digest, number: request.release },
    waves,
    settings: request.settings,
    gates: facts.suite.gates,
    suite: facts.release.document.suite.digest,
  };
  return {
    hash: hashOf(content),
    ...content,
    blocked,
    live: facts.live.filter((it) => planned.has(it.node)).map(({ node, rollout }) => ({ node, rollout })),
    warnings: [...warningsOf(content), ...policyWarnings(facts)],
  };
}

const MOST_NAMED = 10;

/** Nodes would judge by their floor all the same: whoever approves a plan is not to read what does not hold. */
function refuseLowSoak({ settings: { soak } }: PlanRequest): PlanRefusal | null {
  const { errorShare, minRequests } = SOAK_FLOOR;
  if (soak.errorShare >= errorShare && soak.minRequests >= minRequests) return null;
  const why =
    `the soak's limits are ${soak.errorShare} (errorShare) and ${soak.minRequests} (minRequests), and no node goes below ` +
    `${errorShare} and ${minRequests}: what ends by fewer requests would tell of single questions`;
  return refusePlan('badRequest', why);
}

/** A site that is misspelt would go with a later wave, or with none. */
function refuseUnknownSites(
  request: PlanRequest,
  facts: PlanFacts,
  selected: readonly NodeFacts[],
): PlanRefusal | null {
  const known = new Set(facts.nodes.map((node) => node.site));
  for (const [index, wave] of request.waves.entries()) {
    if (wave.by !== 'sites') continue;
    const unknown = wave.sites.filter((site) => !known.has(site));
    if (unknown.length === 0) continue;
    const sites = [...new Set(selected.map((node) => node.site))].toSorted();
    const shown = `${sites.slice(0, MOST_NAMED).join(', ')}${sites.length > MOST_NAMED ? ' and others' : ''}`;
    const why = `wave ${index + 1} names ${unknown.join(', ')}, and no site of that name has a node; selected are ${shown}`;
    return refusePlan('noSitesSelected', why);
  }
  return null;
}

/**
 * A wave that was asked for by name and has nobody left must not vanish: the next wave would go first. `rest` with nothing
 * left is no more than that.
 */
function refuseEmptyWave(
  request: PlanRequest,
  chosen: readonly (readonly Candidate[])[],
  selected: readonly NodeFacts[],
  blocked: readonly BlockedNode[],
): PlanRefusal | null {
  for (const [index, wave] of request.waves.entries()) {
    if (wave.by === 'rest' || (chosen[index]?.length ?? 0) > 0) continue;
    const asked = selected.filter((node) => asksFor(wave, node));
    const inTheWay = blocked.filter((it) => asked.some((node) => node.node === it.node));
    const name = `wave ${index + 1} of ${request.waves.length}`;
    if (inTheWay.length > 0) {
      const lines = inTheWay.map((it) => `${it.node}: ${it.why}, ${it.detail}`);
      return refusePlan('planBlocked', `${name} would have no node: those it asks for are blocked`, lines);
    }
    const why =
      asked.length === 0
        ? `${name} asks for nodes that the plan does not select`
        : `${name} takes no node that an earlier one has not taken`;
    return refusePlan('noSitesSelected', why);
  }
  return null;
}

export type HashedPlan = Pick<Plan, 'service' | 'release' | 'waves' | 'settings' | 'gates' | 'suite'>;

/** R1: what approval covers. Bytes, durations, blockers and warnings are shown, not hashed. */
export const hashedPart = (content: HashedPlan): Record<string, unknown> => ({
  v: 1,
  service: content.service,
  release: content.release,
  suite: content.suite,
  gates: content.gates,
  settings: content.settings,
  waves: content.waves.map((wave) =>
    wave.nodes.map(({ node, site, from, change, variant, rollbackTarget, memoryMode }) => ({
      node,
      site,
      from,
      change,
      variant,
      rollbackTarget,
      memoryMode,
    })),
  ),
});

export const hashOf = (content: HashedPlan): Digest => digestOf(hashedPart(content));

function policyWarnings(facts: PlanFacts): Plan['warnings'] {
  const time = judgePolicyTime(facts.release.document.policy, facts.now);
  const context = judgeContext(facts.release.document, facts.suite);
  return [
    ...(time.kind === 'warns' ? [{ code: 'policyExpiresSoon' as const, detail: time.detail }] : []),
    ...(context.kind === 'fits' ? [] : [{ code: 'promptMayNotFit' as const, detail: context.detail }]),
  ];
}

function warningsOf(content: HashedPlan): Plan['warnings'] {
  const { settings, waves } = content;
  const warnings: Plan['warnings'] = waves.flatMap((wave) =>
    wave.nodes.flatMap((node) => node.shown.warnings.map((code) => ({ code, detail: node.node }))),
  );
  const inCanary = new Set(waves[0]?.nodes.map((node) => node.variant));
  const unseen = new Set(waves.slice(1).flatMap((wave) => wave.nodes.map((node) => node.variant)));
  for (const variant of unseen) {
    if (!inCanary.has(variant)) warnings.push({ code: 'variantFirstSeenAfterCanary', detail: variant });
  }
  if (waves.length === 1 && (waves[0]?.nodes.length ?? 0) > 1) {
    warnings.push({ code: 'singleWave', detail: 'there is no canary: every node is in one wave' });
  }
  const shortest = Math.min(settings.waveDeadlineMs, settings.canaryDeadlineMs ?? settings.waveDeadlineMs);
  if (shortest <= settings.soak.soakMs) {
    const detail = `a wave ends after ${lengthInWords(shortest)} and a soak takes ${lengthInWords(settings.soak.soakMs)}`;
    warnings.push({ code: 'deadlineShorterThanSoak', detail });
  }
  return warnings;
}
