import { describe, expect, it } from 'vitest';
import { type Ports, Unrecoverable } from './ports.ts';
import { type Reconciler, startReconciler } from './reconciler.driver.ts';
import { first } from './testing/bench.ts';
import { aDesiredState, anAssignment } from './testing/documents.ts';
import { Life } from './testing/life.ts';
import { SimulatedNode } from './testing/simulated-node.ts';
import { VirtualWorld } from './testing/world.ts';

interface Running {
  readonly node: SimulatedNode;
  readonly reconciler: Reconciler;
  /** Lets this many milliseconds of virtual time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

/** A node with standing rules, whose ports are changed by `spoil`, in a network that always says yes. */
async function run(spoil: (ports: Ports) => Partial<Ports> = () => ({})): Promise<Running> {
  const world = new VirtualWorld(1);
  const node = new SimulatedNode('n1', {
    world,
    askPermit: (_, { nonce, assignment, planHash, release }, reply) => {
      const answer = { granted: true, assignment, planHash, release, lifetimeMs: 60_000 } as const;
      world.at(5, () => reply({ v: 1, nonce, answer }));
    },
    tellState: () => undefined,
    tellEvidence: () => undefined,
    ended: () => undefined,
    start: (ports) => startReconciler({ ...ports, ...spoil(ports) }),
  });
  node.boot();
  const reconciler = node.reconciler!;
  const pass = (ms: number): Promise<void> => world.run(world.time + ms, () => undefined);
  await pass(100);
  void reconciler.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{}] } });
  void reconciler.command({ kind: 'acceptSuite', suite: first().suite.digest, tooFewItems: false });
  reconciler.desired(aDesiredState(1, [first()]));
  return { node, reconciler, pass };
}

const stepOf = ({ reconciler }: Running): string | undefined => reconciler.report().services[0]?.assignment?.step;

describe('the reconciler', () => {
  it('brings a release from the offer to the end of its soak', async () => {
    const running = await run();
    await running.pass(20_000);
    expect(running.reconciler.report().services[0]).toMatchObject({
      active: first().release.digest,
      serving: 'serving',
      assignment: { step: 'active', soak: 'ok' },
    });
    expect(running.node.gateway.served.get('triage')?.release).toBe(first().release.digest);
  });

  it('answers a command when it is durable, and not sooner', async () => {
    const { node, reconciler, pass } = await run();
    await pass(20_000);
    const answered = reconciler
      .command({ kind: 'halt', service: 'triage' })
      .then((answer) => [answer, node.known().services['triage']?.halted, node.gateway.served.has('triage')]);
    await pass(200);
    expect(await answered).toEqual([{ done: true }, true, false]);
  });

  it('decides nothing before it has read the journal', async () => {
    const world = new VirtualWorld(1);
    const life = new Life(world);
    const ports = new SimulatedNode('n1', {
      world,
      askPermit: () => undefined,
      tellState: () => undefined,
      tellEvidence: () => undefined,
    }).ports(life);
    const reconciler = startReconciler({ ...ports, journal: { ...ports.journal, read: () => new Promise(() => {}) } });
    reconciler.desired(aDesiredState(1, [first()]));
    await world.run(1000, () => undefined);
    expect(reconciler.state().isBooted).toBe(false);
    expect(reconciler.report().services).toEqual([]);
  });

  it('ends when its journal cannot be written, and says so, rather than act on what it will forget', async () => {
    let isFull = false;
    const running = await run(({ journal }) => ({
      journal: {
        ...journal,
        append: (entry) => (isFull ? Promise.reject(new Error('the disk is full')) : journal.append(entry)),
      },
    }));
    const ended = running.reconciler.done.catch((error: Error) => error.message);
    isFull = true;
    const answered = running.reconciler.command({ kind: 'pin', service: 'triage' });
    await running.pass(20_000);
    expect(await ended).toBe('the disk is full');
    expect(await answered).toEqual({ done: false, why: 'notReady' });
    expect(running.node.gateway.served.size).toBe(0);
  });

  it('E4 looks again where the site has changed its terms, and evaluates anew before a person is asked', async () => {
    let terms = 'one';
    let looks = 0;
    const running = await run(({ evaluate }) => ({
      evaluate: {
        terms: () => terms,
        evaluate: async (...asked) => {
          looks++;
          return { ...(await evaluate.evaluate(...asked)), terms };
        },
      },
    }));
    void running.reconciler.command({ kind: 'setRules', rules: { prepare: [{}], activate: [] } });
    await running.pass(20_000);
    expect([stepOf(running), looks]).toEqual(['awaitingConsent', 1]);
    terms = 'two';
    running.reconciler.lookAgain();
    await running.pass(20_000);
    expect([stepOf(running), looks]).toEqual(['awaitingConsent', 2]);
  });

  it('tries again what may pass, and ends the attempt by a code from the list', async () => {
    let calls = 0;
    const running = await run(({ fetch }) => ({
      fetch: {
        ...fetch,
        fetch: () => Promise.reject(++calls < 3 ? new Error('cut') : new Unrecoverable('diskFull', 'no room')),
      },
    }));
    await running.pass(20_000);
    expect(calls).toBe(3);
    expect(running.reconciler.report().services[0]?.assignment).toMatchObject({
      step: 'failed',
      outcome: 'noChange',
      reason: 'diskFull',
      reference: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
  });

  it.each([
    ['runtimeExited', 'the runtime ended, and is started again', 'tried again'],
    ['runtimeFailed', 'a load that hung was ended', 'tried again'],
    ['modelNotLoadable', 'it is cut short', 'failed'],
  ])('a load that is refused as %s (%s) is %s', async (code, why, expected) => {
    let calls = 0;
    const running = await run(({ runtime }) => ({
      runtime: {
        ...runtime,
        load: (held, signal) =>
          ++calls === 1 ? Promise.reject(Object.assign(new Error(why), { code })) : runtime.load(held, signal),
      },
    }));
    await running.pass(30_000);
    expect(stepOf(running) === 'failed').toBe(expected === 'failed');
    expect(calls > 1).toBe(expected === 'tried again');
  });

  it('aborts a fetch that is wanted no more, and hears no late answer of it', async () => {
    const signals: AbortSignal[] = [];
    let finish = (): void => undefined;
    const running = await run(({ fetch }) => ({
      fetch: {
        ...fetch,
        fetch: (_, __, signal) => {
          signals.push(signal);
          return new Promise((resolve) => (finish = resolve));
        },
      },
    }));
    await running.pass(1000);
    running.reconciler.desired(aDesiredState(2, [{ ...first(), phase: 'withdraw' }]));
    await running.pass(1000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    finish();
    await running.pass(1000);
    expect(stepOf(running)).toBe('superseded');
  });

  it('keeps a model loaded that was given up and is wanted again before its last request ended', async () => {
    const drains: (() => void)[] = [];
    const running = await run(({ serving }) => ({
      serving: { ...serving, drain: () => new Promise((resolve) => void drains.push(resolve)) },
    }));
    const good = anAssignment({ number: 1, phase: 'complete' });
    await running.pass(20_000);
    running.reconciler.desired(aDesiredState(2, [good]));
    await running.pass(1000);
    const again = (attempt: number, phase: 'prepare' | 'withdraw') =>
      anAssignment({ number: 2, attempt, phase, rollbackTarget: good.release.digest });
    running.reconciler.desired(aDesiredState(3, [again(1, 'prepare')]));
    await running.pass(20_000);
    running.reconciler.desired(aDesiredState(4, [again(1, 'withdraw')]));
    await running.pass(1000);
    expect(drains).toHaveLength(1);
    running.reconciler.desired(aDesiredState(5, [again(2, 'prepare')]));
    await running.pass(20_000);
    drains[0]!();
    await running.pass(1000);
    expect(stepOf(running)).toBe('staged');
    expect(running.node.runtime.loaded.size).toBe(2);
  });

  it('takes nothing away under a request in flight when it goes back: the candidate is removed after its drain', async () => {
    const order: string[] = [];
    const drains: (() => void)[] = [];
    const running = await run(({ serving, runtime, fetch }) => ({
      serving: { ...serving, drain: () => new Promise((resolve) => void drains.push(resolve)) },
      runtime: { ...runtime, unload: (key) => runtime.unload(key).then(() => void order.push('unloaded')) },
      fetch: { ...fetch, reclaim: (keep) => fetch.reclaim(keep).then(() => void order.push('reclaimed')) },
    }));
    const good = anAssignment({ number: 1, phase: 'complete' });
    const candidate = (phase: 'proceed' | 'rollBack') =>
      anAssignment({ number: 2, phase, rollbackTarget: good.release.digest });
    await running.pass(20_000);
    running.reconciler.desired(aDesiredState(2, [good]));
    await running.pass(1000);
    running.reconciler.desired(aDesiredState(3, [candidate('proceed')]));
    await running.pass(20_000);
    expect(stepOf(running)).toBe('active');
    order.length = 0;
    running.reconciler.desired(aDesiredState(4, [candidate('rollBack')]));
    await running.pass(20_000);
    expect(stepOf(running)).toBe('rolledBack');
    expect(drains).toHaveLength(1);
    expect(order).toEqual([]);
    drains[0]!();
    await running.pass(60_000);
    expect(order).toEqual(['unloaded', 'reclaimed']);
    expect(running.node.disk.files.has(candidate('proceed').variant.artifact.file)).toBe(false);
  });

  it('N5 halts while files are being removed, and fetches nothing new until they are', async () => {
    const removals: (() => void)[] = [];
    const fetched: string[] = [];
    const running = await run(({ fetch }) => ({
      fetch: {
        fetch: (assignment, ...rest) => {
          fetched.push(assignment.id);
          return fetch.fetch(assignment, ...rest);
        },
        reclaim: () => new Promise((resolve) => void removals.push(resolve)),
      },
    }));
    await running.pass(20_000);
    running.reconciler.desired(aDesiredState(2, [{ ...first(), phase: 'rollBack' }]));
    await running.pass(1000);
    running.reconciler.desired(aDesiredState(3, [anAssignment({ number: 2 })]));
    await running.pass(20_000);
    expect(removals).toHaveLength(1);
    const halted = running.reconciler.command({ kind: 'halt', service: 'triage' });
    await running.pass(200);
    expect(await halted).toEqual({ done: true });
    expect(fetched).toEqual([first().id]);
    removals[0]!();
    await running.pass(60_000);
    expect(fetched).toEqual([first().id, anAssignment({ number: 2 }).id]);
  });

  it('stops when it is told to, leaves the gateway as it is, and takes no more commands', async () => {
    const running = await run();
    await running.pass(20_000);
    const stopped = running.reconciler.stop();
    await running.pass(1000);
    await stopped;
    expect(running.node.gateway.served.size).toBe(1);
    expect(await running.reconciler.command({ kind: 'pin', service: 'triage' })).toMatchObject({ why: 'notReady' });
  });
});
