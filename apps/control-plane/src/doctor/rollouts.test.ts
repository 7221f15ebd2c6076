import type { DoctorFinding, Wait } from '@openward/contracts';
import { EVALUATION_FAILURES } from '@openward/rollout';
import { describe, expect, it } from 'vitest';
import { aRolloutNode, aRolloutView, at, HEALTHY, HOUR, NODE } from './doctor.fixture.ts';
import { findings, type DoctorFacts } from './findings.ts';

const found = (facts: Partial<DoctorFacts>): DoctorFinding[] => findings({ ...HEALTHY, ...facts });
const ofNode = (rows: readonly DoctorFinding[]): DoctorFinding[] =>
  rows.filter(({ what }) => what === 'node lakeside-1 of lakeside');

const CONSENT: Wait = {
  code: 'consentToActivate',
  since: at(-HOUR),
  clearedBy: 'site',
  what: 'the site has not said',
};

describe('a rollout that goes on', () => {
  it('tells what it and its nodes wait for, since when, and who can clear it', () => {
    const waits: Wait[] = [{ code: 'quorum', since: at(-HOUR), clearedBy: 'time', what: 'wave 1' }];
    const rows = found({ rollouts: [aRolloutView({ waits, nodes: [aRolloutNode({ waits: [CONSENT] })] })] });
    expect(rows[0]).toMatchObject({
      level: 'warning',
      what: 'node lakeside-1 of lakeside',
      why: 'rollout ro-aaaaaaaa (triage 2, running): the site has not said',
      since: at(-HOUR),
      next: 'The site clears it.',
    });
    expect(rows).toContainEqual(expect.objectContaining({ level: 'ok', why: 'wave 1' }));
  });

  it('names the commands that would be taken now for a wave that cannot pass, and a waiver only of an inconclusive one', () => {
    const nextOf = (verdict: 'open' | 'inconclusive', clearedBy: Wait['clearedBy']) => {
      const waits: Wait[] = [{ code: 'quorum', since: at(-HOUR), clearedBy, what: 'wave 1' }];
      const tally = { wave: 0, good: 0, needed: 1, failed: 0, declined: 0, unknown: 1, deadline: null, waived: null };
      const rows = found({ rollouts: [aRolloutView({ waits, waves: [{ ...tally, verdict }] })] });
      return rows.find(({ why }) => why === 'wave 1')?.next;
    };
    const ends = '`openward rollouts rollback ro-aaaaaaaa --reason TEXT`, `openward rollouts abort ro-aaaaaaaa`';
    expect(nextOf('open', 'networkAdmin')).toBe(`A network admin clears it: ${ends} would be taken now.`);
    expect(nextOf('open', 'site')).toBe(`The site clears it; or a network admin ends it: ${ends} would be taken now.`);
    expect(nextOf('inconclusive', 'networkAdmin')).toContain(
      '`openward rollouts waive ro-aaaaaaaa --wave 1 --reason TEXT`, ',
    );
    expect(nextOf('open', 'node')).toBe('The nodes of the wave clear it by themselves.');
  });

  it('has one row a node, the worst of it first, and says once that it is out of reach', () => {
    const unreached: Wait = { ...CONSENT, code: 'unreached', what: 'the node is not connected' };
    const nodes = [
      aRolloutNode({ waits: [unreached, { ...CONSENT, code: 'fetching', clearedBy: 'node', what: 'x' }] }),
    ];
    const cutOff = { ...NODE, link: { connected: false, since: at(-HOUR / 2) }, protocol: 0 };
    const rows = found({ nodes: [cutOff], rollouts: [aRolloutView({ nodes })] });
    expect(ofNode(rows)).toHaveLength(1);
    expect(rows[0]).toMatchObject({ level: 'problem' });
    expect(rows[0]?.why).toMatch(
      /^its agent speaks protocol 0.*; it is not connected.*; rollout .* waits for it; rollout .*: x$/,
    );
    expect(rows[0]?.why.match(/not connected/g)).toHaveLength(1);
  });

  it('names a node that failed in it, though the rollout tolerates that', () => {
    const nodes = [aRolloutNode({ standing: 'failed', step: 'failed', reason: 'diskFull', outcome: 'noChange' })];
    const [row] = ofNode(found({ rollouts: [aRolloutView({ nodes })] }));
    expect(row).toMatchObject({ level: 'warning' });
    expect(row?.why).toContain('it failed: disk full, and nothing changed there');
    expect(row?.next).toContain('`openward rollouts retry ro-aaaaaaaa lakeside-1`');
  });
});

describe('a rollout that has ended', () => {
  const failed = aRolloutNode({
    standing: 'failed',
    step: 'failed',
    reason: 'gateFailed',
    outcome: 'noChange',
    gate: { verdict: 'fail', reason: 'marginExceeded', waivedBySite: false },
  });
  const ending = { by: 'engine', why: '1 failed, 0 tolerated: lakeside-1 (gate failed)' };
  const badly = aRolloutView({ status: 'rolledBack', endedAt: at(-HOUR), ending, nodes: [failed] });

  it('badly says what failed, where, why, since when and what to do next', () => {
    const [row] = found({ ended: [badly] });
    expect(row).toEqual({
      level: 'warning',
      what: 'rollout ro-aaaaaaaa (triage 2, rolled back)',
      why: 'engine ended it; lakeside-1 of lakeside: it failed: gate failed (margin exceeded), and nothing changed there',
      since: at(-HOUR),
      next: expect.stringContaining('`openward rollouts show ro-aaaaaaaa --evidence`') as string,
    });
  });

  it('because its evaluation could not be run says what that stumbled over', () => {
    const nodes = [
      {
        ...failed,
        gate: null,
        reason: 'gateError' as const,
        failure: { code: 'contextTooLong' as const, what: EVALUATION_FAILURES.contextTooLong },
      },
    ];
    const [row] = found({ ended: [{ ...badly, nodes }] });
    expect(row?.why).toContain('it failed: gate error (context too long), and nothing changed there');
    expect(row?.next).toMatch(/^The system prompt .* is longer than the model reads: shorten .*\. Then plan it again/);
  });

  it('and left a node that could not go back is a problem', () => {
    const nodes = [{ ...failed, reason: 'probeFailed' as const, outcome: 'unableToRollBack' as const }];
    expect(found({ ended: [{ ...badly, nodes }] })[0]).toMatchObject({ level: 'problem' });
  });

  it('is told no more once a newer rollout of the service has the nodes that failed, and is still where it has others', () => {
    const newer = { id: 'ro-bbbbbbbb', startedAt: at(-HOUR / 2) };
    const rows = (nodes: (typeof failed)[], change = {}) =>
      found({ rollouts: [aRolloutView({ ...newer, nodes, ...change })], ended: [badly] }).filter(({ what }) =>
        what.startsWith('rollout ro-aaaaaaaa'),
      );
    expect(rows([aRolloutNode()])).toEqual([]);
    expect(rows([aRolloutNode({ node: 'oak-1' })])).toHaveLength(1);
    expect(rows([aRolloutNode()], { service: 'discharge' })).toHaveLength(1);
  });

  it('as completed is told only where a node was left without the release', () => {
    const completed = { status: 'completed' as const, endedAt: at(-HOUR), ending: null };
    expect(
      found({ ended: [aRolloutView({ ...completed, nodes: [aRolloutNode({ standing: 'good' })] })] }),
    ).toHaveLength(1);
    const [row] = found({ ended: [aRolloutView({ ...completed, nodes: [{ ...failed, reason: 'diskFull' }] })] });
    expect(row?.why).toMatch(/^it completed without lakeside-1 of lakeside: it failed: disk full/);
    expect(row?.next).toContain('`openward rollouts retry ro-aaaaaaaa lakeside-1`');
  });

  it('by a person, with nothing wrong, is no warning', () => {
    const aborted = { status: 'aborted' as const, endedAt: at(-HOUR), ending: { by: 'ada', why: null } };
    const rows = found({ ended: [aRolloutView(aborted)] });
    expect(rows.every(({ level }) => level === 'ok')).toBe(true);
    expect(rows.map(({ why }) => why)).toContain('ada ended it');
  });
});
