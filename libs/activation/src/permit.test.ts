import { describe, expect, it } from 'vitest';
import { type Bench, second, settled } from './testing/bench.ts';
import { aDesiredState } from './testing/documents.ts';

const service = 'triage';
const asking = (): Bench => {
  const bench = settled().desired([second()]).until('awaitingPermit');
  if (bench.work.job.doing !== 'asking') throw new Error('it does not ask');
  return bench;
};
const grant = (bench: Bench, lifetimeMs = 60_000): Bench => {
  bench.send({ kind: 'permitAnswered', service, task: bench.task, reply: bench.permit(lifetimeMs) });
  return bench;
};

describe('R4: activating needs leave, a minute old at most', () => {
  it('writes the one entry that makes the switch before it switches', () => {
    const effects = grant(asking()).effects.map((effect) =>
      effect.kind === 'journal' ? effect.entry.kind : effect.kind,
    );
    expect(effects.slice(0, 2)).toEqual(['activated', 'switchTo']);
  });

  it.each([
    ['monotonic time', 60_000, 0],
    ['wall time, as after a sleep', 0, 60_000],
  ])('is too old after a minute of %s', (_, monotonic, wall) => {
    const bench = asking();
    bench.monotonic += monotonic;
    bench.wall += wall;
    expect(grant(bench).step).toBe('awaitingPermit');
  });

  it('is not made older by a wall clock that is set back', () => {
    const bench = asking();
    bench.wall -= 3_600_000;
    bench.monotonic += 59_999;
    expect(grant(bench).step).toBe('activating');
  });

  it('believes no permit that says that it lives longer', () => {
    const bench = asking();
    bench.monotonic += 61_000;
    expect(grant(bench, 3_600_000).step).toBe('awaitingPermit');
  });

  it('asks anew after a restart before the entry, and takes no answer to the old question', () => {
    const bench = asking();
    const { task } = bench;
    const reply = bench.permit();
    bench.restart();
    while (bench.work.job.doing !== 'asking') bench.answer();
    bench.send({ kind: 'permitAnswered', service, task, reply });
    bench.send({ kind: 'permitAnswered', service, task: bench.task, reply });
    expect(bench.step).toBe('awaitingPermit');
  });

  it('needs none after the entry: it loads, switches and probes', () => {
    const bench = grant(asking()).restart().until('active');
    expect(bench.entries.filter((entry) => entry.kind === 'activated')).toHaveLength(2);
    expect(bench.work.served).toEqual(bench.record.active);
  });

  it('asks again when no answer comes, with another nonce', () => {
    const bench = asking();
    const first = bench.permit().nonce;
    bench.pass(5000);
    expect(bench.effects.map((effect) => effect.kind)).toEqual(expect.arrayContaining(['cancel', 'askPermit']));
    expect(bench.permit().nonce).not.toBe(first);
  });

  it.each(['pin', 'halt'] as const)('does not outweigh a %s that came while it was on its way', (kind) => {
    const bench = asking();
    const { task } = bench;
    const reply = bench.permit();
    bench.command({ kind, service });
    bench.send({ kind: 'permitAnswered', service, task, reply });
    expect(bench.step).toBe('awaitingPermit');
    expect(bench.work.waits).toBe(kind === 'pin' ? 'pinned' : 'halted');
  });

  it('rests as long as a refusal says, and tells whether time or a person ends it', () => {
    const bench = asking();
    const { nonce } = bench.permit();
    const answer = { granted: false, why: 'paused', retryAfterMs: 3000 } as const;
    bench.send({ kind: 'permitAnswered', service, task: bench.task, reply: { v: 1, nonce, answer } });
    expect(bench.work.waits).toBe('permitRefused');
    expect(bench.pass(2999).work.job.doing).toBe('resting');
    expect(bench.pass(1).work.job.doing).toBe('asking');
  });

  it.each(['refused', 'unanswered'] as const)(
    'asks at once, %s before, when the network tells of this assignment anew',
    (how) => {
      const bench = asking();
      const refuse = (): number => {
        const { nonce } = bench.permit();
        const answer = { granted: false, why: 'paused', retryAfterMs: 0 } as const;
        if (how === 'unanswered') bench.send({ kind: 'permitFailed', service, task: bench.task });
        else bench.send({ kind: 'permitAnswered', service, task: bench.task, reply: { v: 1, nonce, answer } });
        const { job } = bench.work;
        return job.doing === 'resting' ? job.until - bench.monotonic : 0;
      };
      const rests = [];
      for (let times = 0; times < 5; times++) {
        rests.push(refuse());
        expect(bench.work.job.doing).toBe('resting');
        bench.desired([second()]);
        expect(bench.work.job.doing).toBe('asking');
        expect(bench.effects.filter((effect) => effect.kind === 'askPermit')).toHaveLength(1);
      }
      expect(rests[4], 'the same answer is still waited out for longer each time').toBeGreaterThan(rests[0]! * 2);
    },
  );

  it('rests on when the network says again what is known', () => {
    const bench = asking();
    const { nonce } = bench.permit();
    const answer = { granted: false, why: 'paused', retryAfterMs: 3000 } as const;
    bench.send({ kind: 'permitAnswered', service, task: bench.task, reply: { v: 1, nonce, answer } });
    const { generation } = bench.state.durable;
    if (generation === null) throw new Error('it was told nothing');
    bench.send({ kind: 'desired', doc: aDesiredState(0, [second()], { generation }) });
    expect(bench.work.job.doing).toBe('resting');
  });

  it('asks less and less often while the answer is the same, never sooner than it says, and anew when it is another', () => {
    const bench = asking();
    const restAfter = (why: 'concurrencyReached' | 'notProceeding', retryAfterMs: number): number => {
      const { nonce } = bench.permit();
      const answer = { granted: false, why, retryAfterMs } as const;
      bench.send({ kind: 'permitAnswered', service, task: bench.task, reply: { v: 1, nonce, answer } });
      const { job } = bench.work;
      if (job.doing !== 'resting') throw new Error('it does not rest');
      const ms = job.until - bench.monotonic;
      expect(bench.pass(ms).work.job.doing).toBe('asking');
      return ms;
    };
    const rests = Array.from({ length: 8 }, () => restAfter('concurrencyReached', 0));
    for (const [i, longest] of [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000].entries()) {
      expect(rests[i]).toBeGreaterThanOrEqual(longest / 2);
      expect(rests[i]).toBeLessThanOrEqual(longest);
    }
    expect(new Set(rests.slice(-3)).size, 'some of it is chance').toBe(3);
    expect(restAfter('concurrencyReached', 20_000)).toBe(20_000);
    expect(restAfter('notProceeding', 0)).toBeLessThanOrEqual(500);
  });
});
