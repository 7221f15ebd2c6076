import { type BareProxyWorker } from './gateway/bare-proxy.worker.ts';
import { chatBody, directBody, KEY } from './gateway/exchange.ts';
import type { GatewayTask, GatewayWorker } from './gateway/gateway.worker.ts';
import type { Load, LoadWorker } from './gateway/load.worker.ts';
import type { RuntimeWorker } from './gateway/runtime.worker.ts';
import type { Options } from './options.ts';
import type { Section, Verdict } from './report.ts';
import { figure, interleave, median, megabytes, milliseconds, times } from './statistics.ts';
import { startWorker, type Worker } from './workers.ts';

const file = (name: string): URL => new URL(`./gateway/${name}.worker.ts`, import.meta.url);
const AT_ONCE = 16;
/** Of the policy that is on in one row: the design's figure. */
const RULES = 50;

type SideName = 'direct' | 'bare' | 'gateway' | 'policy' | 'vocabulary' | 'alone';
const LABELS: Readonly<Record<SideName, string>> = {
  direct: 'the fake runtime itself',
  bare: 'bare Node proxy',
  gateway: 'Openward gateway',
  policy: '… under a policy of 50 rules',
  vocabulary: "… tokens counted by the model's vocabulary",
  alone: '… and runtime in its own process',
};

interface Target {
  readonly url: string;
  readonly path: string;
  readonly body: string;
}

interface Seen {
  readonly one: Load;
  readonly many: Load;
}

/** Runs the loads on every target in turn, and ends all that it started. */
export async function benchGateway(_: unknown, { rounds, seconds }: Options): Promise<Section> {
  const workers: Pick<Worker<never>, 'end'>[] = [];
  const kept = <W extends Pick<Worker<never>, 'end'>>(worker: W): W => {
    workers.push(worker);
    return worker;
  };
  try {
    const runtimeUrl = await kept(startWorker<RuntimeWorker>(file('runtime'))).ask('listen');
    const bare = kept(startWorker<BareProxyWorker>(file('bare-proxy')));
    const gateway = async (task: GatewayTask) => {
      const worker = kept(startWorker<GatewayWorker>(file('gateway')));
      return { worker, url: await worker.ask('listen', task) };
    };
    const http = await gateway({ runtimeUrl, ownVocabulary: false, rules: 0 });
    const policy = await gateway({ runtimeUrl, ownVocabulary: false, rules: RULES });
    const vocabulary = await gateway({ runtimeUrl, ownVocabulary: true, rules: 0 });
    const alone = await gateway({ runtimeUrl: null, ownVocabulary: false, rules: 0 });
    const chat = (url: string): Target => ({ url, path: '/v1/chat/completions', body: chatBody });
    const targets: Readonly<Record<SideName, Target>> = {
      direct: { url: runtimeUrl, path: '/api/generate', body: directBody },
      bare: chat(await bare.ask('listen', { runtimeUrl })),
      gateway: chat(http.url),
      policy: chat(policy.url),
      vocabulary: chat(vocabulary.url),
      alone: chat(alone.url),
    };
    const client = kept(startWorker<LoadWorker>(file('load')));
    const load = (target: Target, connections: number, ms: number): Promise<Load> =>
      client.ask('load', { ...target, key: KEY, connections, ms });
    const side = (name: SideName) => async (): Promise<Seen> => ({
      one: await load(targets[name], 1, seconds * 1000),
      many: await load(targets[name], AT_ONCE, seconds * 1000),
    });
    // Node compiles what is hot in the first ten thousands of requests; that is not what is compared.
    for (const target of Object.values(targets)) await load(target, AT_ONCE, seconds * 4000);
    const seen = await interleave<SideName, Seen>(rounds, {
      direct: side('direct'),
      bare: side('bare'),
      gateway: side('gateway'),
      policy: side('policy'),
      vocabulary: side('vocabulary'),
      alone: side('alone'),
    });
    const memory: Partial<Record<SideName, number>> = {
      bare: await bare.ask('peak'),
      gateway: await http.worker.ask('peak'),
      policy: await policy.worker.ask('peak'),
      vocabulary: await vocabulary.worker.ask('peak'),
      alone: await alone.worker.ask('peak'),
    };
    return asSection(seen, memory, rounds, seconds);
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
}

function asSection(
  seen: Readonly<Record<SideName, readonly Seen[]>>,
  memory: Readonly<Partial<Record<SideName, number>>>,
  rounds: number,
  seconds: number,
): Section {
  const of = (name: SideName, read: (one: Seen) => number): number => median(seen[name].map(read));
  // Each round has its own runtime beside it: what the machine did meanwhile is taken away with it.
  const added = (name: SideName, read: (one: Seen) => number): number =>
    median(seen[name].map((one, i) => read(one) - read(seen.direct[i]!)));
  const share = (name: SideName): number =>
    median(seen[name].map((one, i) => one.many.perSecond / seen.bare[i]!.many.perSecond));
  const failed = Object.values(seen)
    .flat()
    .reduce((sum, { one, many }) => sum + one.failed + many.failed, 0);
  const verdicts = (name: SideName, what: string): Verdict[] => {
    const [p50, ratio] = [added(name, ({ one }) => one.p50), share(name)];
    return [
      { what: `${what}, added p50`, budget: 'at most 0.5 ms', measured: milliseconds(p50), held: p50 <= 0.5 },
      { what: `${what} at 16`, budget: 'at least 0.6 of a bare proxy', measured: times(ratio), held: ratio >= 0.6 },
    ];
  };
  return {
    title: 'The gateway before a runtime that answers at once',
    notes: [
      `Each in a process of its own: client, fake runtime over HTTP, and what stands between. The gateway checks the key, reads and checks every field, renders the template, counts tokens, takes a slot, and counts metrics; once with a fake vocabulary (a count of letters, no other process), once so under 25 rules for requests and 25 for replies, none of which hits, once with the model's own in llama.cpp's child process, as in the agent, and once with the runtime in its own process. Its slots are 32, so that the queue is not what is measured. The bare proxy hashes the key and writes JSON anew both ways, over the same pool. ${rounds} rounds of ${seconds} s each, in turn; medians; ${failed} requests failed.`,
    ],
    tables: [
      {
        head: [
          'target',
          'p50 at 1',
          'added',
          'p99 at 1',
          'added',
          'requests/s at 16',
          'of bare',
          'p99 at 16',
          'memory',
        ],
        rows: (Object.keys(LABELS) as SideName[]).map((name) => [
          LABELS[name],
          milliseconds(of(name, ({ one }) => one.p50)),
          name === 'direct' ? '-' : milliseconds(added(name, ({ one }) => one.p50)),
          milliseconds(of(name, ({ one }) => one.p99)),
          name === 'direct' ? '-' : milliseconds(added(name, ({ one }) => one.p99)),
          figure(Math.round(of(name, ({ many }) => many.perSecond))),
          times(share(name)),
          milliseconds(of(name, ({ many }) => many.p99)),
          memory[name] === undefined ? '-' : megabytes(memory[name]),
        ]),
      },
    ],
    verdicts: [
      ...verdicts('gateway', 'gateway'),
      ...verdicts('policy', 'gateway under 50 rules'),
      ...verdicts('vocabulary', "gateway with the model's vocabulary"),
    ],
  };
}
