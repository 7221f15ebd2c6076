import type { BlockerCode, NodeClass, Plan, PromptPolicy, Release, WarningCode } from '@openward/contracts';
import { instantOf, PlanRequest } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffPlans } from './diff-plans.ts';
import { DEFAULT_ENGINE_SETTINGS } from './events.ts';
import { plan } from './plan.ts';
import type { NodeFacts, PlanFacts, PlanRefusal } from './plan-facts.ts';
import { offerOf, startRollout } from './start.ts';
import {
  aDigest,
  aNode,
  anArtifact,
  aRelease,
  aRequest,
  aSuite,
  factsOf,
  NODE_CLASS,
  planOf,
  releaseDigest,
  T0,
} from './testing-fixtures.ts';

const GIB = 2 ** 30;
const DAY_MS = 86_400_000;
const refusalOf = (made: Plan | PlanRefusal): string => ('kind' in made ? made.code : 'planned');
const names = (made: Plan): string[][] => made.waves.map((wave) => wave.nodes.map((it) => it.node));
const loaded = (
  memoryBytes: number,
  more: Partial<{ base: string; file: string; release: string; service: string }> = {},
) => ({
  service: more.service ?? 'triage',
  release: aDigest(more.release ?? 'release before'),
  memoryBytes,
  file: aDigest(more.file ?? 'adapter before'),
  base: more.base === undefined ? null : aDigest(more.base),
});
const adapter = (base: boolean) => {
  const document = aRelease(2);
  const variants = document.model.variants.map((it) =>
    base ? { ...it, base: { ...anArtifact('base'), file: aDigest('base') } } : it,
  );
  return { ...document, model: { ...document.model, kind: 'adapter' as const, variants } };
};
/** Its weights have this many bytes. */
const sized = (size: number): Release => {
  const document = aRelease(2);
  const variants = document.model.variants.map((it) => ({ ...it, artifact: { ...it.artifact, size } }));
  return { ...document, model: { ...document.model, variants } };
};
const timed = (times: Partial<Pick<PromptPolicy, 'notBefore' | 'expires' | 'minProtocol'>>): Release => {
  const document = aRelease(2);
  return { ...document, policy: { ...document.policy, ...times } };
};
const prompted = (systemPrompt: string): Release => {
  const document = aRelease(2);
  return { ...document, policy: { ...document.policy, systemPrompt } };
};
const ollama = {
  threads: 2,
  memoryGiB: 4,
  diskGiB: 256,
  diskFreePercent: 50,
  runtime: 'ollama',
  runtimeServers: 1,
  runtimeVersion: '0.24.0',
  runtimeSafe: 'safe',
} as const;

const onDisk = (diskGiB: number, diskFreePercent: number): NodeClass => ({
  ...ollama,
  runtime: 'llamaCpp',
  diskGiB,
  diskFreePercent,
});

/** One case for each code, without `Partial`: a new blocker does not compile until it stands here. */
const BLOCKED: Record<Exclude<BlockerCode, 'fromChanged' | 'recalledRelease'>, () => PlanFacts> = {
  noVariantFits: () =>
    factsOf([aNode('ash', { reported: { class: { ...ollama, runtime: 'llamaCpp', threads: 1 } } })], {
      document: aRelease(2, [{ ...aRelease(2).model.variants[0]! }]),
    }),
  needsSwap: () =>
    factsOf([aNode('ash', { reported: { active: aDigest('release before'), loaded: [loaded(4 * GIB)] } })]),
  memoryTooSmall: () =>
    factsOf([aNode('ash', { reported: { loaded: [loaded(4 * GIB, { service: 'discharge-summary' })] } })]),
  agentTooOld: () => factsOf([aNode('ash', { reported: { protocol: 1 } })], { oldestProtocol: 2 }),
  neverReported: () => factsOf([{ ...aNode('ash'), reported: null }]),
  liveRollout: () => factsOf([aNode('ash')], { live: [{ node: 'ash', rollout: 'ro-aaaaaaaa', canSupersede: false }] }),
  runtimeUnsafe: () => factsOf([aNode('ash', { reported: { class: { ...ollama, runtimeSafe: 'refused' } } })]),
  spaceTooSmall: () => factsOf([aNode('ash', { reported: { class: onDisk(1, 5) } })], { document: sized(GIB) }),
  baseMismatch: () => factsOf([aNode('ash')], { document: adapter(false) }),
  revoked: () => factsOf([aNode('ash', { revoked: true })]),
  serviceHalted: () => factsOf([aNode('ash', { reported: { halted: true } })]),
  servicePinned: () => factsOf([aNode('ash', { reported: { pinned: true } })]),
  policyNotYet: () => factsOf([aNode('ash')], { document: timed({ notBefore: instantOf(T0 + 1) }) }),
  policyExpired: () => factsOf([aNode('ash')], { document: timed({ expires: instantOf(T0) }) }),
};
/** They are about the release, so no node is left. */
const OF_THE_RELEASE: readonly BlockerCode[] = ['noVariantFits', 'baseMismatch', 'policyNotYet', 'policyExpired'];

const WARNED: Record<WarningCode, () => Plan> = {
  variantFirstSeenAfterCanary: () =>
    planOf(
      aRequest({ waves: [{ by: 'sites', sites: ['ash-hospital'] }, { by: 'rest' }] }),
      factsOf([aNode('ash'), weak('oak')]),
    ),
  tooFewItems: () => planOf(aRequest(), factsOf([aNode('ash', { reported: { tooFewItems: true } })])),
  unsafeRuntimeAllowed: () =>
    planOf(aRequest(), factsOf([aNode('ash', { reported: { class: { ...ollama, runtimeSafe: 'unsafeAllowed' } } })])),
  singleWave: () => planOf(aRequest(), factsOf([aNode('ash'), aNode('oak')])),
  deadlineShorterThanSoak: () => planOf(aRequest({ settings: { waveDeadlineMs: 2000 } }), factsOf([aNode('ash')])),
  alreadyThere: () => planOf(aRequest(), factsOf([aNode('ash', { reported: { active: releaseDigest(2) } })])),
  promptMayNotFit: () =>
    planOf(aRequest(), factsOf([aNode('ash')], { document: prompted('Say how urgent it is. '.repeat(300)) })),
  policyExpiresSoon: () =>
    planOf(aRequest(), factsOf([aNode('ash')], { document: timed({ expires: instantOf(T0 + 30 * DAY_MS) }) })),
};
const weak = (name: string): NodeFacts =>
  aNode(name, { reported: { class: { ...ollama, runtime: 'llamaCpp', threads: 1 } } });

describe('what blocks a node, and what the plan warns of (R1, N6, N7)', () => {
  for (const code of Object.keys(BLOCKED) as (keyof typeof BLOCKED)[]) {
    it(`${code} takes the node out, and the rest is planned`, () => {
      const facts = BLOCKED[code]();
      const alone = plan(aRequest(), facts);
      expect(refusalOf(alone)).toBe('planBlocked');
      const oak = aNode('oak', { reported: { protocol: 2 } });
      const beside = plan(aRequest(), { ...facts, nodes: [...facts.nodes, oak] });
      if (OF_THE_RELEASE.includes(code)) return;
      expect(beside).toMatchObject({ blocked: [{ node: 'ash', why: code }], waves: [{ nodes: [{ node: 'oak' }] }] });
    });
  }
  for (const code of Object.keys(WARNED) as WarningCode[]) {
    it(`${code} is said and does not block`, () => {
      expect(WARNED[code]().warnings.map((it) => it.code)).toContain(code);
    });
  }
  it('under Ollama each other set on one base needs an Ollama of its own (N6)', () => {
    const say = (runtimeServers: number, ...on: Parameters<typeof loaded>[1][]) => {
      const held = on.map((it) => loaded(1000, it));
      const node = aNode('ash', { reported: { class: { ...ollama, runtimeServers }, loaded: held } });
      return refusalOf(plan(aRequest(), factsOf([node], { document: adapter(true) })));
    };
    const another = { base: 'base', file: 'another' };
    expect(say(1, another)).toBe('planBlocked');
    expect(say(1, { file: 'base' })).toBe('planBlocked');
    expect(say(2, another)).toBe('planned');
    expect(say(2, another, another)).toBe('planned');
    expect(say(2, another, { base: 'base', file: 'a third' })).toBe('planBlocked');
    expect(say(1, { base: 'another base', file: 'another' })).toBe('planned');
    const embedded = aNode('ash', { reported: { loaded: [loaded(1000, another)] } });
    expect(refusalOf(plan(aRequest(), factsOf([embedded], { document: adapter(true) })))).toBe('planned');
  });
  it('space is what is fetched and what Ollama copies, against what is surely free, and it is said how much (N7)', () => {
    const blocker = (of: NodeClass, size: number, files: readonly string[] = []) => {
      const document = sized(size);
      const made = plan(aRequest(), factsOf([aNode('ash', { reported: { class: of }, files })], { document }));
      return 'kind' in made ? made.details : [];
    };
    const documents = 23_000;
    const free = Math.floor(GIB / 10);
    expect(blocker(onDisk(1, 10), free - documents)).toEqual([]);
    expect(blocker(onDisk(1, 10), free - documents + 1)).toEqual([
      `ash: spaceTooSmall, ${free + 1} bytes are needed; 10 % of a disk of 1 GiB is free, taken as ${free}: 1 too few`,
    ]);
    const twice = { ...onDisk(1, 10), runtime: 'ollama' } as const;
    const copied = (free - documents - 1) / 2;
    expect(blocker(twice, Math.floor(copied))).toEqual([]);
    expect(blocker(twice, Math.ceil(copied) + 1)[0]).toMatch(
      /, \d+ of them for the copy that Ollama keeps; .*: [12] too few$/,
    );
    const here = sized(2 * free).model.variants.map((it) => it.artifact.file);
    expect(blocker(onDisk(1, 10), 2 * free, here)).toEqual([]);
    expect(blocker(onDisk(1, 0), Math.floor(GIB / 20) - documents)).toEqual([]);
    expect(blocker(onDisk(1, 0), Math.floor(GIB / 20))[0]).toMatch(/less than 5 % of a disk/);
  });
  it('a policy blocks the agents that are older than it says, and no others (V1)', () => {
    const nodes = [aNode('ash', { reported: { protocol: 1 } }), aNode('oak', { reported: { protocol: 2 } })];
    expect(planOf(aRequest(), factsOf(nodes, { document: timed({ minProtocol: 2 }) }))).toMatchObject({
      blocked: [{ node: 'ash', why: 'agentTooOld', detail: 'it speaks protocol 1; the policy plain@1 needs 2' }],
      waves: [{ nodes: [{ node: 'oak' }] }],
    });
  });
  it('a policy is planned from its first moment to the one before it expires, and warned of for 30 days (T1)', () => {
    const say = (times: Parameters<typeof timed>[0]) => {
      const made = plan(aRequest(), factsOf([aNode('ash')], { document: timed(times) }));
      return 'kind' in made ? made.details : made.warnings.map((it) => it.code);
    };
    expect(say({ notBefore: instantOf(T0) })).toEqual([]);
    expect(say({ notBefore: '2026-01-05T08:00:00.1Z' })).toEqual([
      'ash: policyNotYet, the policy plain@1 is not for use before 2026-01-05T08:00:00.1Z',
    ]);
    expect(say({ expires: instantOf(T0 + 1) })).toEqual(['policyExpiresSoon']);
    expect(say({ expires: instantOf(T0 + 30 * DAY_MS + 1) })).toEqual([]);
    expect(say({ expires: '2026-01-05T08:00:00Z' })).toEqual([
      'ash: policyExpired, the policy plain@1 expired at 2026-01-05T08:00:00Z',
    ]);
  });
  it('a recalled release is not planned, and is no rollback target', () => {
    expect(refusalOf(plan(aRequest(), factsOf([aNode('ash')], { recalled: [releaseDigest(2)] })))).toBe(
      'releaseRecalled',
    );
    const old = releaseDigest(1);
    const made = planOf(
      aRequest(),
      factsOf([aNode('ash', { reported: { active: old, lastGood: old } })], { recalled: [old] }),
    );
    expect(made.waves[0]?.nodes[0]).toMatchObject({ from: old, rollbackTarget: null });
  });
  it('a node is told what the release changes there, not what it changed at the newest before it (N2)', () => {
    const [latest, skipped] = [releaseDigest(1), aDigest('a release before it')];
    const text = { f16: 'policyText', q8_0: 'base' } as const;
    const nodes = [
      aNode('ash', { reported: { active: latest, changes: text } }),
      // The class of the node has become another since, and so has the variant.
      aNode('bay', { reported: { active: latest, changes: text, class: { ...NODE_CLASS, threads: 1 } } }),
      aNode('elm', { reported: { active: skipped, changes: { f16: 'base', q8_0: 'base' } } }),
      aNode('fir', { reported: { active: aDigest('unknown') } }),
      aNode('oak'),
    ];
    const facts = factsOf(nodes, { document: { ...aRelease(2), change: 'policyText' } });
    const made = planOf(aRequest(), facts);
    const change = Object.fromEntries(made.waves.flatMap((wave) => wave.nodes.map((it) => [it.node, it.change])));
    expect(change).toEqual({ ash: 'policyText', bay: 'base', elm: 'base', fir: 'base', oak: 'newService' });
    const order = { id: 'ro-aaaaaaaa', by: 'ada', plan: made, offer: offerOf(facts), supersede: false, now: T0 };
    const started = startRollout(order, [], DEFAULT_ENGINE_SETTINGS);
    const told = started.kind === 'started' ? started.rollout.effects : [];
    expect(
      Object.fromEntries(
        told.flatMap((it) => (it.kind === 'setAssignment' ? [[it.node, it.assignment.release.change]] : [])),
      ),
    ).toEqual(change);
  });
  it('the variant is the first that fits, and the plan says why (R1)', () => {
    const made = planOf(aRequest(), factsOf([weak('ash')]));
    expect(made.waves[0]?.nodes[0]).toMatchObject({
      variant: 'q8_0',
      shown: { why: 'f16 needs 2 threads, the node gives 1' },
    });
  });
  it('bytes are of what the node lacks, and seconds at its link’s rate', () => {
    const whole = planOf(aRequest(), factsOf([aNode('ash', { linkBytesPerSecond: 1000 })])).waves[0]?.nodes[0]?.shown;
    expect(whole).toMatchObject({ bytes: 1_323_000, seconds: 1323 });
    const files = [anArtifact('f16 of release 2').file, anArtifact('suite').file];
    expect(planOf(aRequest(), factsOf([aNode('ash', { files })])).waves[0]?.nodes[0]?.shown.bytes).toBe(3000);
  });
});

describe('sites and waves', () => {
  const trees = ['ash', 'oak', 'elm', 'fir', 'yew'].map((name, index) =>
    aNode(name, { tier: index === 0 ? 'referral' : 'primary', labels: { region: index < 3 ? 'north' : 'south' } }),
  );
  it('selects by every label given, site and tier among them', () => {
    expect(
      names(planOf(aRequest({ labels: { region: ['north'], tier: ['primary'] } }), factsOf(trees)))[0]?.sort(),
    ).toEqual(['elm', 'oak']);
  });
  it('refuses a selection without a node', () => {
    expect(refusalOf(plan(aRequest({ labels: { region: ['west'] } }), factsOf(trees)))).toBe('noSitesSelected');
  });
  it.each([
    { errorShare: 0, minRequests: 20 },
    { errorShare: 0.05, minRequests: 19 },
  ])('refuses a soak that single questions could end, as every node would: %j', (low) => {
    const soak = { soakMs: 2000, restarts: 3, probeTimeoutMs: 5000, ...low };
    expect(refusalOf(plan(aRequest({ settings: { soak } }), factsOf(trees)))).toBe('badRequest');
  });
  it('a node is in the first wave that takes it; the rest may be nobody', () => {
    const waves = [
      { by: 'labels', labels: { tier: ['referral'] } },
      { by: 'count', count: 2 },
      { by: 'percent', percent: 40 },
      { by: 'rest' },
    ];
    expect(names(planOf(aRequest({ waves }), factsOf(trees))).map((it) => it.length)).toEqual([1, 2, 2]);
  });
  it('a wave asked for by name does not vanish because its nodes are blocked: the next would go first', () => {
    const nodes = [aNode('ash', { revoked: true }), aNode('oak')];
    const waves = [{ by: 'sites', sites: ['ash-hospital'] }, { by: 'rest' }];
    expect(plan(aRequest({ waves }), factsOf(nodes))).toMatchObject({
      code: 'planBlocked',
      details: ['ash: revoked, the node was revoked'],
    });
  });
  it('refuses a wave that names a site which is not there, and says which, also beside sites that are', () => {
    for (const sites of [['ask-hospital'], ['ash-hospital', 'ask-hospital']]) {
      const waves = [{ by: 'sites', sites }, { by: 'rest' }];
      const refused = plan(aRequest({ waves, labels: { region: ['north'] } }), factsOf(trees));
      expect(refused).toMatchObject({
        code: 'noSitesSelected',
        why: expect.stringContaining('wave 1 names ask-hospital,'),
      });
      expect(refused).toMatchObject({ why: expect.stringContaining('ash-hospital, elm-hospital, oak-hospital') });
    }
    const elsewhere = [{ by: 'sites', sites: ['fir-hospital'] }, { by: 'rest' }];
    expect(plan(aRequest({ waves: elsewhere, labels: { region: ['north'] } }), factsOf(trees))).toMatchObject({
      why: 'wave 1 of 2 asks for nodes that the plan does not select',
    });
  });
  it('is the same whatever order the nodes are loaded in, and each node is in one wave', () => {
    const wave = fc.oneof(
      fc.record({ by: fc.constant('count'), count: fc.integer({ min: 1, max: 2 }) }),
      fc.record({ by: fc.constant('percent'), percent: fc.integer({ min: 1, max: 40 }) }),
    );
    fc.assert(
      fc.property(
        fc.shuffledSubarray(trees, { minLength: trees.length }),
        fc.array(wave, { maxLength: 2 }),
        fc.nat(1000),
        (nodes, waves, seed) => {
          const request = aRequest({ waves: [...waves, { by: 'rest' }], settings: { seed } });
          const made = planOf(request, factsOf(nodes));
          expect(made).toEqual(planOf(request, factsOf(trees)));
          expect(names(made).flat().sort()).toEqual(trees.map((it) => it.node).sort());
        },
      ),
    );
  });
});

describe('the hash is of what is approved (R1)', () => {
  const base = aRequest();
  const hash = (request = base, facts = factsOf([aNode('ash')])): string => planOf(request, facts).hash;
  it('covers settings, gates, release, variant, from and rollback target', () => {
    const others = [
      hash(aRequest({ settings: { tolerated: 1 } })),
      hash(aRequest({ settings: { quorum: 0.5 } })),
      hash(aRequest({ settings: { maxConcurrent: 3 } })),
      hash(aRequest({ settings: { onFail: 'pause' } })),
      hash(aRequest({ settings: { seed: 2 } })),
      hash(aRequest({ settings: { windows: [{ days: ['mon'], from: '08:00', to: '17:00' }] } })),
      hash(
        base,
        factsOf([aNode('ash')], { suite: aSuite([{ kind: 'safety', set: 'bundled', margin: 0.2, ceiling: 0.3 }]) }),
      ),
      hash(aRequest({ release: 3 }), factsOf([aNode('ash')], { document: aRelease(3) })),
      hash(base, factsOf([weak('ash')])),
      hash(base, factsOf([aNode('ash', { reported: { active: releaseDigest(1) } })])),
      hash(base, factsOf([aNode('ash', { reported: { lastGood: releaseDigest(1) } })])),
      hash(base, factsOf([aNode('ash', { reported: { active: releaseDigest(1), changes: { f16: 'policyText' } } })])),
    ];
    expect(new Set([hash(), ...others]).size).toBe(others.length + 1);
  });
  it('does not cover bytes, durations, warnings and blockers', () => {
    const shown = factsOf([
      aNode('ash', { linkBytesPerSecond: 10, files: [anArtifact('suite').file] }),
      aNode('oak', { revoked: true }),
    ]);
    expect(hash(base, shown)).toBe(hash());
  });
});

describe('a plan that is started later than it was approved (R1)', () => {
  const request = aRequest({ waves: [{ by: 'sites', sites: ['ash-hospital'] }, { by: 'rest' }] });
  const facts = (change: Partial<NodeFacts['reported']> = {}) =>
    factsOf([aNode('ash'), aNode('oak', { reported: change ?? {} }), aNode('elm')]);
  const approved = planOf(request, facts());
  it('runs as approved where nothing hashed has changed', () => {
    expect(diffPlans(approved, planOf(request, facts()))).toMatchObject({
      kind: 'run',
      out: [],
      plan: { hash: approved.hash },
    });
  });
  it('takes out a node whose `from` has changed, whatever else did, and keeps the approved hash', () => {
    const fresh = planOf(request, facts({ active: releaseDigest(1), lastGood: releaseDigest(1) }));
    const diff = diffPlans(approved, fresh);
    expect(diff).toMatchObject({
      kind: 'run',
      out: [{ node: 'oak', why: 'fromChanged' }],
      plan: { hash: approved.hash },
    });
    if (diff.kind === 'run') expect(names(diff.plan)).toEqual([['ash'], ['elm']]);
  });
  it('refuses any other difference, field by field', () => {
    const fresh = planOf(request, facts({ lastGood: releaseDigest(1) }));
    const index = approved.waves[1]!.nodes.findIndex((it) => it.node === 'oak');
    expect(diffPlans(approved, fresh)).toMatchObject({
      code: 'planStale',
      details: [`waves.1.${index}(oak).rollbackTarget: approved null, now "${releaseDigest(1)}"`],
    });
    const other = planOf(PlanRequest.parse({ ...request, settings: { ...request.settings, tolerated: 1 } }), facts());
    expect(diffPlans(approved, other)).toMatchObject({
      code: 'planStale',
      details: ['settings.tolerated: approved 0, now 1'],
    });
  });
  it('refuses when a node is blocked now, and says what blocks it', () => {
    const diff = diffPlans(approved, planOf(request, facts({ pinned: true })));
    expect(diff).toMatchObject({ kind: 'refused', code: 'planStale' });
    if (diff.kind === 'refused')
      expect(diff.details).toContain('blocked now: oak: servicePinned, the site has pinned the service');
  });
  it('refuses when a wave has no node left', () => {
    const fresh = planOf(
      request,
      factsOf([aNode('ash', { reported: { active: releaseDigest(1) } }), aNode('oak'), aNode('elm')]),
    );
    expect(diffPlans(approved, fresh)).toMatchObject({ code: 'planStale', why: 'wave 1 has no node left' });
  });
});
