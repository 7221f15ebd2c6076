import type { Plan, RolloutNodeView, RolloutView } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { endOf } from '../commands/watch-rollout.ts';
import { errorLines, tellError } from '../report-error.ts';
import { table } from '../table.ts';
import { coloured, plain } from '../terminal.ts';
import { lengthOf, sizeOf } from '../words.ts';
import { planText } from './plan.ts';
import { changesOf, rolloutText } from './rollout.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const NOW = Date.parse('2026-03-01T12:00:00Z');

const node = (name: string, over: Partial<Plan['waves'][number]['nodes'][number]['shown']> = {}) => ({
  node: name,
  site: name.replace(/-1$/, ''),
  from: null,
  change: 'newService' as const,
  variant: 'f16',
  rollbackTarget: null,
  memoryMode: 'sideBySide' as const,
  shown: {
    tier: 'referral' as const,
    why: 'the first variant fits',
    bytes: 1_349_504,
    seconds: 2.6,
    warnings: [],
    ...over,
  },
});

const PLAN: Plan = {
  hash: DIGEST,
  service: 'triage',
  release: { digest: DIGEST, number: 2 },
  waves: [
    { nodes: [node('referral-1')] },
    { nodes: [node('primary-1', { seconds: null, warnings: ['alreadyThere'], why: 'f16 wants 2 threads' })] },
  ],
  settings: {
    tolerated: 0,
    quorum: 0.5,
    waveDeadlineMs: 12_000,
    onFail: 'rollBackAll',
    soak: { soakMs: 2000, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 30_000 },
    windows: [],
    seed: 1,
    prefetch: true,
  },
  gates: [{ kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 }],
  suite: DIGEST,
  blocked: [{ node: 'tiny-1', site: 'tiny', why: 'noVariantFits', detail: 'f16 wants 2 threads, and it gives 1' }],
  live: [{ node: 'referral-1', rollout: 'ro-abcdefgh' }],
  warnings: [{ code: 'tooFewItems', detail: 'primary has 12 red-flag persons' }],
};

const nodeView = (over: Partial<RolloutNodeView> = {}): RolloutNodeView => ({
  node: 'district-1',
  site: 'district',
  wave: 0,
  attempt: 1,
  assignment: 'ro-abcdefgh.district-1.1',
  standing: 'unknown',
  step: 'awaitingPreparation',
  outcome: null,
  reason: null,
  failure: null,
  gate: null,
  soak: null,
  waits: [
    { code: 'consentToPrepare', since: '2026-03-01T11:56:00Z', clearedBy: 'site', what: 'the site has not answered' },
  ],
  late: false,
  owed: false,
  ...over,
});
const VIEW: RolloutView = {
  id: 'ro-abcdefgh',
  service: 'triage',
  release: { digest: DIGEST, number: 2 },
  planHash: DIGEST,
  status: 'running',
  wave: 0,
  pauses: [],
  waves: [
    {
      wave: 0,
      verdict: 'open',
      good: 0,
      failed: 0,
      declined: 0,
      unknown: 1,
      needed: 1,
      deadline: '2026-03-01T13:00:00Z',
      waived: null,
    },
  ],
  waits: [],
  nodes: [nodeView()],
  startedAt: '2026-03-01T11:00:00Z',
  endedAt: null,
  ending: null,
  startedBy: 'ada',
  awaited: 0,
  version: 1,
};

describe('the dry run', () => {
  const text = planText(PLAN, plain);

  it.each([
    ['each node with its wave and variant, and why', /Wave 2: 1 node[^]*primary-1 .* f16 .* f16 wants 2 threads/],
    ['what goes to each', /referral-1 .* 1\.35 MB/],
    ['how long it takes at its link', /referral-1 .* 2\.6 s/],
    ['that a link is not stated', /primary-1 .* link not stated/],
    ['what blocks a node', /tiny-1 .* no variant fits {2}f16 wants 2 threads, and it gives 1/],
    ['which nodes another rollout holds', /--supersede[^]*referral-1 {2}ro-abcdefgh/],
    ['warnings of a node', /primary-1 .* already there/],
    ['warnings of the plan', /too few items: primary has 12/],
    ['the gates with their margins', /safety on own items, margin 10 %, ceiling 15 %/],
    ['the quorum and the deadline', /quorum +50 %\nwave deadline +12 s/],
    ['the hash that approves it, whole, at the end', new RegExp(`hash {2}${DIGEST}\n$`)],
  ])('prints %s', (_what, pattern) => {
    expect(text).toMatch(pattern);
  });
});

describe('a rollout', () => {
  it('tells what a node waits for, since when, and who can clear it', () => {
    expect(rolloutText(VIEW, NOW, plain)).toMatch(
      /district-1 {2}consent to prepare {2}the site has not answered {2}4 min ago {2}the site\n/,
    );
  });

  it('tells of a pause that has no wait of its own, and who made it', () => {
    const pauses = [{ code: 'byAdmin', since: '2026-03-01T11:59:00Z', by: 'ada', detail: 'a look' }] as const;
    expect(rolloutText({ ...VIEW, status: 'paused', pauses: [...pauses] }, NOW, plain)).toMatch(
      /rollout +by admin +paused by ada: a look +1 min ago +a network admin/,
    );
  });

  it('shows a waiver for ever', () => {
    const waived = { by: 'ada', reason: 'known outage', at: '2026-03-01T11:59:00Z' };
    const [wave] = VIEW.waves;
    const text = rolloutText({ ...VIEW, waves: [{ ...wave!, verdict: 'inconclusive', waived }] }, NOW, plain);
    expect(text).toContain('inconclusive, waived by ada: known outage');
  });

  it('marks a node that is late, owed or tried again', () => {
    const nodes = [nodeView({ late: true, owed: true, attempt: 2 })];
    expect(rolloutText({ ...VIEW, nodes }, NOW, plain)).toContain('unknown (late, owed, attempt 2)');
  });

  it('says in a log what changed, and nothing twice', () => {
    const first = changesOf(null, VIEW);
    expect(first).toEqual([
      'rollout ro-abcdefgh: running',
      'wave 1: open, 0 good of 1 needed',
      'district-1: awaiting preparation, unknown',
      'district-1 waits for consent to prepare: the site has not answered (since 2026-03-01T11:56:00Z, cleared by the site)',
    ]);
    expect(changesOf(VIEW, { ...VIEW, version: 2 })).toEqual([]);
    const quorum = { code: 'quorum', since: '2026-03-01T11:00:00Z', clearedBy: 'node', what: 'wave 1' } as const;
    expect(changesOf(VIEW, { ...VIEW, waits: [quorum] })).toEqual([
      expect.stringContaining('cleared by the nodes of the wave') as string,
    ]);
    const needs = { ...quorum, clearedBy: 'site', what: 'wave 1; it cannot pass without district-1' } as const;
    expect(changesOf({ ...VIEW, waits: [quorum] }, { ...VIEW, waits: [needs] })).toEqual([
      expect.stringContaining('it cannot pass without district-1') as string,
    ]);
    const gate = { verdict: 'fail', reason: 'marginExceeded', waivedBySite: false } as const;
    const failed = nodeView({
      step: 'failed',
      standing: 'failed',
      outcome: 'noChange',
      reason: 'gateFailed',
      gate,
      waits: [],
    });
    expect(changesOf(VIEW, { ...VIEW, nodes: [failed] })).toEqual([
      'district-1: failed, gate fail: margin exceeded, no change',
    ]);
  });

  it('that has ended says when, by whom and why', () => {
    const why = '1 failed, 0 tolerated: district-1 (gate error)';
    const over = {
      ...VIEW,
      status: 'rolledBack' as const,
      endedAt: '2026-03-01T11:59:00Z',
      ending: { by: 'engine', why },
    };
    const text = rolloutText(over, NOW, plain);
    expect(text).toContain('ended 1 min ago (2026-03-01T11:59:00Z)');
    expect(text).toContain(`rolled back by engine: ${why}\n`);
    expect(changesOf(VIEW, over)).toContain(
      `rollout ro-abcdefgh: rolled back by engine: ${why} at 2026-03-01T11:59:00Z`,
    );
  });

  it('says what a gate in error stumbled over, and what to do', () => {
    const over = { step: 'failed', standing: 'failed', outcome: 'noChange', reason: 'gateError' } as const;
    const nodes = [nodeView({ ...over, failure: { code: 'contextTooLong', what: 'shorten it' } })];
    const text = rolloutText({ ...VIEW, nodes }, NOW, plain);
    expect(text).toContain('no change: gate error: context too long');
    expect(text).toMatch(/\nGate error, context too long: shorten it\.\n/);
    expect(changesOf(VIEW, { ...VIEW, nodes })).toContain(
      'district-1: failed, no change, gate error: context too long',
    );
  });

  it('explains a soak with too few requests, where there is one', () => {
    expect(rolloutText(VIEW, NOW, plain)).not.toContain('fewer than');
    const soaked = { ...VIEW, nodes: [nodeView({ soak: 'tooFewRequests' })] };
    expect(rolloutText(soaked, NOW, plain)).toMatch(/Too few requests: .* fewer than .* and the node is good/);
  });

  it.each([
    ['completed', 0],
    ['aborted', 5],
    ['rolledBack', 5],
  ] as const)('that ended as %s gives the exit code %i', (status, code) => {
    expect(endOf(status)).toBe(code);
  });
});

describe('words and tables', () => {
  it('keeps columns in line whatever their colour', () => {
    const rows = [
      [coloured('good', 'ok'), 'x'],
      ['problem', 'y'],
    ];
    const [, first = '', second = ''] = table(['level', 'what'], rows).split('\n');
    expect(first.replace('\u001B[32mok\u001B[39m', 'ok').indexOf('x')).toBe(second.indexOf('y'));
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_349_504, '1.35 MB'],
    [999_600, '1.00 MB'],
    [12_500_000, '12.5 MB'],
  ])('says %i bytes as %s', (bytes, text) => {
    expect(sizeOf(bytes)).toBe(text);
  });

  it.each([
    [0.11, '0.2 s'],
    [59, '59 s'],
    [240, '4 min'],
    [7800, '2 h 10 min'],
    [273_600, '3 d 4 h'],
  ])('says %d seconds as %s', (seconds, text) => {
    expect(lengthOf(seconds)).toBe(text);
  });
});

describe('an error', () => {
  it('prints what happened, its details, a reference, and what to do next', () => {
    const told = { exitCode: 1, code: 'conflict', message: 'It is so.', next: 'Do this.', reference: 'ab12' } as const;
    expect(errorLines({ ...told, details: [{ line: 3, code: 'empty' }, 'more'] })).toEqual([
      'openward: It is so.',
      '  line: 3, code: empty',
      '  more',
      '  reference: ab12',
      '  next: Do this.',
    ]);
  });

  it('that nobody expected says how to find out', () => {
    expect(tellError(new Error('oh'))).toMatchObject({ exitCode: 1, message: 'oh' });
    expect(tellError(new Error('oh')).next).not.toBe('');
  });
});
