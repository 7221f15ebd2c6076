import type { Options } from './options.ts';
import type { EngineWorker, Streamed, Taken, Task } from './policy/engine.worker.ts';
import type { Section } from './report.ts';
import { figure, interleave, median, milliseconds, times } from './statistics.ts';
import { startWorker } from './workers.ts';

const ENGINE = new URL('./policy/engine.worker.ts', import.meta.url);
const BUDGET_MS = 2;

type Measured = Taken & { readonly hits: number };
type SideName = 'request' | 'requestHit' | 'reply' | 'replyHit';

const SIDES: Readonly<Record<SideName, { readonly label: string } & Pick<Task, 'stage' | 'hits'>>> = {
  request: { label: 'a request that no rule hits', stage: 'input', hits: false },
  requestHit: { label: 'a request that some hit', stage: 'input', hits: true },
  reply: { label: 'a whole reply that no rule hits', stage: 'output', hits: false },
  replyHit: { label: 'a whole reply that some hit', stage: 'output', hits: true },
};

/** What the rules of a policy cost, without a gateway around them; the gateway's section has it with one. */
export async function benchPolicy(_: unknown, { rounds, seconds }: Options): Promise<Section> {
  // Each in a fresh process: what V8 learnt of one text would help or harm the next.
  const inWorker = async <T>(ask: (worker: ReturnType<typeof startWorker<EngineWorker>>) => Promise<T>): Promise<T> => {
    const worker = startWorker<EngineWorker>(ENGINE);
    try {
      return await ask(worker);
    } finally {
      await worker.end();
    }
  };
  const ms = seconds * 1000;
  const measure = (name: SideName, engine: Task['engine']) => () =>
    inWorker((worker) => worker.ask('measure', { engine, stage: SIDES[name].stage, hits: SIDES[name].hits, ms }));
  const names = Object.keys(SIDES) as SideName[];
  const seen = await interleave<string, Measured>(
    rounds,
    Object.fromEntries(
      names.flatMap((name) => [
        [name, measure(name, 'openward')],
        [`native ${name}`, measure(name, 'native')],
      ]),
    ),
  );
  const stream = (annotated: boolean) => () => inWorker((worker) => worker.ask('stream', { annotated, ms }));
  const streams = await interleave<'window' | 'buffer', Streamed>(rounds, {
    window: stream(false),
    buffer: stream(true),
  });
  return asSection(names, seen, streams, rounds, seconds);
}

function asSection(
  names: readonly SideName[],
  seen: Readonly<Record<string, readonly Measured[]>>,
  streams: Readonly<Record<'window' | 'buffer', readonly Streamed[]>>,
  rounds: number,
  seconds: number,
): Section {
  const of = (name: string, read: (one: Measured) => number): number => median(seen[name]!.map(read));
  const p50 = (one: Taken): number => one.p50;
  const p99 = (one: Taken): number => one.p99;
  const streamRow = (name: 'window' | 'buffer', label: string): string[] => {
    const all = streams[name];
    const read = (from: (one: Streamed) => number): string => milliseconds(median(all.map(from)));
    const [first] = all;
    return [
      label,
      first?.mode ?? '',
      first?.heldBack === null ? 'all' : `${first?.heldBack} characters`,
      read(({ push }) => push.p50),
      read(({ push }) => push.p99),
      read(({ end }) => end.p50),
      read(({ reply }) => reply.p50),
      read(({ reply }) => reply.p99),
    ];
  };
  const pieces = streams.window[0]?.pieces ?? 0;
  return {
    title: '50 rules over 4 kB',
    notes: [
      `The engine alone, each in a process of its own, ${rounds} rounds of ${seconds} s in turn, medians. 35 patterns, 10 recognisers of identifiers, 5 topics of 62 phrases; texts of 4,096 characters, none the same twice in a row. Beside it JavaScript's own RegExp for the same rules, written by hand: it reads look-alikes and marks of no width as they stand, checks no digits, and hangs on a bad pattern, which a policy may bring; the engine takes time in proportion to the text, whatever the pattern.`,
      `Streams: a reply of 4 kB in ${pieces} pieces of 12 characters. Under a window a piece leaves once no match can begin in it any more; a rule that annotates holds back the whole reply, and all is judged at its end.`,
    ],
    tables: [
      {
        head: ['4 kB', 'rules that hit', 'p50', 'p99', 'RegExp p50', 'RegExp p99', 'p50 beside it'],
        rows: names.map((name) => [
          SIDES[name].label,
          figure(of(name, ({ hits }) => hits)),
          milliseconds(of(name, p50)),
          milliseconds(of(name, p99)),
          milliseconds(of(`native ${name}`, p50)),
          milliseconds(of(`native ${name}`, p99)),
          times(of(name, p50) / of(`native ${name}`, p50)),
        ]),
      },
      {
        head: ['stream', 'mode', 'held back', 'piece p50', 'piece p99', 'end p50', 'reply p50', 'reply p99'],
        rows: [streamRow('window', 'every rule redacts, all bounded'), streamRow('buffer', 'one of them annotates')],
      },
    ],
    verdicts: names.map((name) => ({
      what: `50 rules, ${SIDES[name].label}, added p99`,
      budget: `under ${BUDGET_MS} ms`,
      measured: milliseconds(of(name, p99)),
      held: of(name, p99) < BUDGET_MS,
    })),
  };
}
