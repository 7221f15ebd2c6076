import type { SuiteDocument } from '@openward/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SiteRecord } from './dataset.ts';
import type { Outcome } from './outcomes.ts';
import type { EvaluationPorts, Reply, ResultKey, Subject } from './ports.ts';
import { type EvaluationEnd, type EvaluationJob, runEvaluation } from './run.driver.ts';

const SUITE: SuiteDocument = {
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: Array.from({ length: 100 }, (_, i) => ({
    id: `b${i}`,
    input: `bundled ${i}`,
    expected: i < 60 ? 'emergency' : 'routine',
    redFlag: i < 60,
  })),
  contract: {
    textColumn: 'text',
    labelColumn: 'label',
    personColumn: 'person',
    labellerColumns: ['labeller1', 'labeller2'],
    redFlagLabel: 'emergency',
    labels: ['emergency', 'routine'],
  },
  gates: [
    { kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 },
    { kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 },
    { kind: 'nonInferiority', set: 'bundled', metric: 'correct', margin: 0.1 },
  ],
  rerunItems: 40,
  minimumDistinctPersons: 11,
};
const RECORDS: readonly SiteRecord[] = Array.from({ length: 70 }, (_, i) => ({
  id: `record-${i}`,
  person: `person ${i}`,
  text: `own ${i}`,
  label: i < 60 ? 'emergency' : 'routine',
  redFlag: i < 60,
}));
const OLD: Subject = { release: 'release-1', variant: 'f16' };
const NEW: Subject = { release: 'release-2', variant: 'f16' };

const JOB: EvaluationJob = {
  suite: SUITE,
  suiteDigest: 'suite-digest',
  candidate: NEW,
  references: [{ against: 'liveAndAnchor', subject: OLD }],
  own: { kind: 'records', digest: 'data-digest', records: RECORDS },
  runtimeVersion: 'llama 1',
  terms: 'sha256:terms',
  seed: 42,
  ownStepMs: 1_000,
};
const FIRST_RELEASE: EvaluationJob = { ...JOB, references: [] };

/** A runtime that is always right, and a store that survives a kill; both say what was done with them. */
class World {
  readonly asked: string[] = [];
  readonly quarters: number[] = [];
  readonly log: string[] = [];
  readonly store = new Map<string, Map<string, Outcome>>();
  cancel = new AbortController();
  /** Virtual: each answer takes 10 ms, but for those that `takes` says otherwise of. */
  time = 0;
  takes: (subject: Subject, input: string) => number = () => 10;
  /** What an observer sees: each quarter, and the end, with its time. */
  readonly seen: (readonly [number | 'end', number])[] = [];
  yields = 0;
  atOnce = 0;
  mostAtOnce = 0;
  reply: (subject: Subject, input: string) => Reply | undefined = () => undefined;
  beforeAnswer: () => void = () => {};
  beforeWait: () => unknown = () => {};

  run(job: EvaluationJob = JOB): Promise<EvaluationEnd> {
    return runEvaluation(job, this.ports(), this.cancel.signal).finally(() => this.seen.push(['end', this.time]));
  }

  askedOf(subject: Subject): string[] {
    return this.asked.filter((line) => line.startsWith(subject.release));
  }

  ports(): EvaluationPorts {
    const of = (key: ResultKey): Map<string, Outcome> => {
      const name = JSON.stringify(key);
      if (!this.store.has(name)) this.store.set(name, new Map());
      return this.store.get(name)!;
    };
    return {
      answer: async (subject, input, signal) => {
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
        this.beforeAnswer();
        await Promise.resolve();
        this.atOnce--;
        signal.throwIfAborted();
        this.asked.push(`${subject.release} ${input}`);
        this.log.push(`ask ${subject.release}`);
        this.time += this.takes(subject, input);
        const expected = Number(input.split(' ')[1]) < 60 ? 'emergency' : 'routine';
        return this.reply(subject, input) ?? { kind: 'text', text: ` ${expected}\n` };
      },
      yieldToClinic: async () => {
        this.yields++;
      },
      done: async (subject) => {
        this.log.push(`done ${subject.release}`);
      },
      reportProgress: async (quarters) => {
        this.quarters.push(quarters);
        this.seen.push([quarters, this.time]);
      },
      now: () => this.time,
      wait: async (ms, signal) => {
        this.beforeWait();
        signal.throwIfAborted();
        this.time += ms;
      },
      results: {
        kept: async (key) => [...of(key)],
        keep: async (key, itemId, outcome) => {
          of(key).set(itemId, outcome);
        },
      },
    };
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

const judgementOf = (end: EvaluationEnd) => {
  if (end.kind !== 'judged') throw new Error('the evaluation was cancelled');
  return end.judgement;
};

describe('the evaluation runner', () => {
  it('asks each reference, 40 items of it again, then the candidate, and judges', async () => {
    const judgement = judgementOf(await world.run());
    expect(judgement).toMatchObject({ verdict: 'pass', own: { verdict: 'pass' } });
    // 100 bundled items and the 60 red-flag records; no routine record is asked, since no gate reads it.
    expect(world.askedOf(OLD)).toHaveLength(160 + 40);
    expect(world.askedOf(NEW)).toHaveLength(160);
    expect(world.asked.some((line) => line.endsWith('own 60'))).toBe(false);
  });

  it('asks a first release only, and reruns nothing', async () => {
    expect(judgementOf(await world.run(FIRST_RELEASE)).verdict).toBe('pass');
    expect(world.asked).toHaveLength(160);
  });

  it('asks the red-flag items only, where no gate reads the others', async () => {
    const suite = { ...SUITE, gates: SUITE.gates.filter((gate) => gate.kind === 'safety') };
    await world.run({ ...FIRST_RELEASE, suite });
    expect(world.asked).toHaveLength(120);
  });

  it('asks one at a time, after yielding to the clinic each time', async () => {
    await world.run();
    expect(world.mostAtOnce).toBe(1);
    expect(world.yields).toBe(world.asked.length);
  });

  it('N6 asks all of one release before the next, and says when it is done with it', async () => {
    const anchor: Subject = { release: 'release-0', variant: 'f16' };
    await world.run({
      ...JOB,
      references: [
        { against: 'live', subject: OLD },
        { against: 'anchor', subject: anchor },
      ],
    });
    const runs = world.log.filter((line, i) => line !== world.log[i - 1]);
    expect(runs).toEqual(['release-1', 'release-0', 'release-2'].flatMap((name) => [`ask ${name}`, `done ${name}`]));
  });

  it('P6 tells its progress in quarters, once each and in order', async () => {
    await world.run();
    expect(world.quarters).toEqual([1, 2, 3, 4]);
  });

  it('keeps outcomes and no word of a reply', async () => {
    world.reply = () => ({ kind: 'text', text: 'secret words' });
    await world.run();
    const kept = [...world.store].map(([key, outcomes]) => [key, ...outcomes]);
    expect(JSON.stringify(kept)).not.toContain('secret');
    expect(new Set([...world.store.values()].flatMap((outcomes) => [...outcomes.values()]))).toEqual(
      new Set(['wrong']),
    );
  });
});

describe('P6 what can be seen of own records from outside', () => {
  const seenWhere = async (takes: World['takes']): Promise<World['seen']> => {
    const it = new World();
    it.takes = takes;
    await it.run();
    return it.seen;
  };
  const slowOn =
    (record: string, ms: number): World['takes'] =>
    (subject, input) =>
      subject === NEW && input === record ? ms : 10;

  it('P6 a record that takes longer than the others changes no time that is told', async () => {
    const plain = await seenWhere(() => 10);
    expect(plain.map(([what]) => what)).toEqual([1, 2, 3, 4, 'end']);
    for (const record of ['own 0', 'own 30', 'own 59']) expect(await seenWhere(slowOn(record, 300))).toEqual(plain);
  });

  it('P6 a slow record shows where all records together take twice as long, and then as the next doubling alone', async () => {
    const ends = await Promise.all(
      [400, 500, 900, 1_400, 1_500, 3_000].map(async (ms) => (await seenWhere(slowOn('own 7', ms))).at(-1)![1]),
    );
    const [least = 0] = ends;
    expect(ends.map((end) => end - least)).toEqual([0, 1_000, 1_000, 1_000, 3_000, 3_000]);
  });

  it('P6 quarters are those of the bundled items, and the last is told when own records are done too', async () => {
    const quick: World['takes'] = (_, input) => (input.startsWith('own') ? 0 : 10);
    const own = (await seenWhere(quick)).at(-1)![1];
    const none = new World();
    none.takes = quick;
    await none.run({ ...JOB, own: { kind: 'withheld', reason: 'dataMissing' } });
    const bundledOnly = none.seen.at(-1)![1];
    // The reference, its items that are asked again, and the candidate: a second each, whatever was asked.
    expect(own - bundledOnly).toBeLessThanOrEqual(3_000);
    expect(own - bundledOnly).toBeGreaterThan(2_000);
  });

  it('P6 a measurement of own records that stops at a failure is told no sooner than one that does not', async () => {
    const plain = await seenWhere(() => 10);
    for (const record of ['own 0', 'own 40']) {
      const it = new World();
      it.reply = (subject, input) =>
        subject === NEW && input === record ? { kind: 'failed', code: 'runtimeExited' } : undefined;
      await it.run();
      expect(it.seen).toEqual(plain);
    }
  });

  it('P6 a release that is withdrawn and offered again does not show how many records had been answered', async () => {
    const again: number[] = [];
    for (const answered of [0, 30, 59, 60]) {
      const it = new World();
      let own = 0;
      it.takes = (subject, input) => {
        if (subject === NEW && input.startsWith('own') && own++ === answered) it.cancel.abort();
        return 10;
      };
      // All are answered, and their time is not over.
      it.beforeWait = () => own === 60 && it.cancel.abort();
      expect(await it.run()).toEqual({ kind: 'cancelled' });
      it.takes = () => 10;
      it.beforeWait = () => {};
      it.cancel = new AbortController();
      const withdrawn = it.time;
      await it.run();
      again.push(it.time - withdrawn);
    }
    expect(new Set(again).size).toBe(1);
  });
});

describe('E4 kept answers', () => {
  it('E4 takes a reference from its own measurement, and asks only the 40 items again', async () => {
    await world.run({ ...FIRST_RELEASE, candidate: OLD });
    world.asked.length = 0;
    await world.run();
    expect(world.askedOf(OLD)).toHaveLength(40);
    expect(world.askedOf(NEW)).toHaveLength(160);
  });

  it.each([
    ['variant', { references: [{ against: 'live', subject: { ...OLD, variant: 'q8_0' } }] }],
    ['suite', { suiteDigest: 'another' }],
    ['runtime version', { runtimeVersion: 'llama 2' }],
    ['terms', { terms: 'sha256:other' }],
  ] as const)('E4 asks a reference anew after a change of %s', async (_what, change) => {
    await world.run({ ...FIRST_RELEASE, candidate: OLD });
    world.asked.length = 0;
    await world.run({ ...JOB, ...change });
    expect(world.askedOf(OLD)).toHaveLength(160 + 40);
  });

  it('E4 asks own records anew after a change of data, and not the bundled items', async () => {
    await world.run({ ...FIRST_RELEASE, candidate: OLD });
    world.asked.length = 0;
    await world.run({ ...JOB, own: { kind: 'records', digest: 'new-data', records: RECORDS } });
    expect(new Set(world.askedOf(OLD).filter((line) => line.includes('own'))).size).toBe(60);
    expect(world.askedOf(OLD)).toHaveLength(60 + 40);
  });

  it('E4 a re-run of the whole evaluation asks nothing and says the same', async () => {
    const first = judgementOf(await world.run());
    world.asked.length = 0;
    const second = judgementOf(await world.run());
    expect(world.asked).toEqual([]);
    expect(second.bundled).toEqual(first.bundled);
    expect(second.own).toEqual(first.own);
  });

  it('E4 a rerun for one candidate is not taken for one of another', async () => {
    await world.run();
    world.asked.length = 0;
    await world.run({ ...JOB, candidate: { ...NEW, release: 'release-3' } });
    expect(world.askedOf(OLD)).toHaveLength(40);
  });

  it('E4 another plan, with a seed of its own, asks other 40 items again', async () => {
    await world.run();
    const asked = new Set(world.askedOf(OLD).slice(160));
    world.asked.length = 0;
    await world.run({ ...JOB, seed: 43 });
    expect(world.asked).toHaveLength(40);
    expect(new Set(world.asked)).not.toEqual(asked);
  });

  it('E4 is runtimeUnstable where a reference answers one bundled item otherwise', async () => {
    await world.run({ ...FIRST_RELEASE, candidate: OLD });
    world.reply = (subject, input) =>
      subject === OLD && input.startsWith('bundled') ? { kind: 'text', text: '' } : undefined;
    expect(judgementOf(await world.run())).toMatchObject({
      verdict: 'inconclusive',
      bundled: { reason: 'runtimeUnstable' },
      own: { reason: 'runtimeUnstable' },
    });
  });

  it('E1 a flip on an own record shows in the own verdict, and not in the bundled evidence', async () => {
    await world.run({ ...FIRST_RELEASE, candidate: OLD });
    world.reply = (subject, input) =>
      subject === OLD && input.startsWith('own') ? { kind: 'text', text: '' } : undefined;
    expect(judgementOf(await world.run())).toMatchObject({
      verdict: 'inconclusive',
      bundled: { verdict: 'pass' },
      own: { reason: 'runtimeUnstable' },
    });
  });
});

describe('a runtime that fails', () => {
  const failing =
    (subject: Subject, input: string) =>
    (asked: Subject, text: string): Reply | undefined =>
      asked.release === subject.release && text === input ? { kind: 'failed', code: 'runtimeExited' } : undefined;

  it('is an error of the candidate, and ends that measurement at once', async () => {
    world.reply = failing(NEW, 'bundled 10');
    expect(judgementOf(await world.run())).toMatchObject({
      verdict: 'error',
      bundled: { reason: 'candidateFailed' },
      own: { verdict: 'pass' },
    });
    expect(world.askedOf(NEW).filter((line) => line.includes('bundled'))).toHaveLength(11);
    expect(world.quarters).toEqual([1, 2, 3, 4]);
  });

  it('E1 names what a bundled item failed with, and never what an own record did', async () => {
    world.reply = failing(NEW, 'bundled 10');
    expect(await world.run()).toMatchObject({ failure: 'runtimeExited' });
    world = new World();
    world.reply = failing(NEW, 'own 10');
    const end = await world.run();
    expect(judgementOf(end).verdict).toBe('error');
    expect(end).toMatchObject({ failure: null });
  });

  it('is an error of the reference', async () => {
    world.reply = failing(OLD, 'own 3');
    expect(judgementOf(await world.run())).toMatchObject({
      verdict: 'error',
      bundled: { verdict: 'pass' },
      own: { reason: 'referenceFailed' },
    });
  });

  it('is not kept: the next attempt asks that item again', async () => {
    world.reply = failing(NEW, 'bundled 10');
    await world.run();
    world.reply = () => undefined;
    expect(judgementOf(await world.run()).verdict).toBe('pass');
    expect(world.asked.filter((line) => line === 'release-2 bundled 10')).toHaveLength(2);
    expect(world.asked.filter((line) => line === 'release-2 bundled 9')).toHaveLength(1);
  });

  it('passes on what is no failure of the runtime, but a bug', async () => {
    world.beforeAnswer = () => {
      throw new TypeError('a bug');
    };
    await expect(world.run()).rejects.toThrow('a bug');
  });
});

describe('a kill or a cancellation', () => {
  it('goes on after a kill at any item, asks none twice, and says the same', async () => {
    const whole = judgementOf(await world.run());
    const all = world.asked.length;
    for (const at of [0, 1, 99, 100, 159, 160, 180, 199, 200, 300, all - 1]) {
      world = new World();
      let answered = 0;
      world.beforeAnswer = () => {
        if (answered++ === at) throw new Error('killed');
      };
      await expect(world.run()).rejects.toThrow('killed');
      world.beforeAnswer = () => {};
      const resumed = judgementOf(await world.run());
      expect(world.asked).toHaveLength(all);
      expect(resumed.bundled).toEqual(whole.bundled);
      expect(resumed.own).toEqual(whole.own);
    }
  });

  it('ends between two items when cancelled, and keeps what was answered', async () => {
    let answered = 0;
    world.beforeAnswer = () => {
      if (++answered === 50) world.cancel.abort();
    };
    expect(await world.run()).toEqual({ kind: 'cancelled' });
    expect(world.asked).toHaveLength(49);
    expect([...world.store.values()].reduce((sum, outcomes) => sum + outcomes.size, 0)).toBe(49);
  });

  it('asks nothing when cancelled before it began', async () => {
    world.cancel.abort();
    expect(await world.run()).toEqual({ kind: 'cancelled' });
    expect(world.asked).toEqual([]);
  });
});

describe("a site's own records", () => {
  it('E6 are not asked where they are withheld, and the reason is the verdict', async () => {
    const end = await world.run({ ...JOB, own: { kind: 'withheld', reason: 'suiteNotAccepted' } });
    expect(judgementOf(end)).toMatchObject({
      verdict: 'inconclusive',
      bundled: { verdict: 'pass' },
      own: { verdict: 'inconclusive', reason: 'suiteNotAccepted' },
    });
    expect(world.asked.some((line) => line.includes('own'))).toBe(false);
    expect(world.askedOf(OLD)).toHaveLength(140);
  });
});
