import { SERVICE } from '@openward/demo/harness';
import { until } from '@openward/testkit';
import { openHospital, type Hospital } from './agent/hospital.ts';
import { peakOf, treeOf } from './agent/memory.ts';
import { chatBody } from './gateway/exchange.ts';
import type { LoadTask, LoadWorker, Reply } from './gateway/load.worker.ts';
import type { Options } from './options.ts';
import type { Section } from './report.ts';
import { figure, median, megabytes, milliseconds } from './statistics.ts';
import { startWorker, type Worker } from './workers.ts';

const LOAD = new URL('./gateway/load.worker.ts', import.meta.url);
const CONNECTIONS = 2;
const MANY = 16;
const AFTER_MS = 700;
const now = (): number => performance.timeOrigin + performance.now();

/** What a clinic sees of a whole agent: a rollout, its own rollback and halt, and load. */
export async function benchAgent(_: unknown, { rounds, seconds }: Options): Promise<Section> {
  const hospital = await openHospital();
  const client = startWorker<LoadWorker>(LOAD);
  try {
    await hospital.rollOut(1);
    const { gateway: url, key } = hospital.site;
    const task = { url, path: '/v1/chat/completions', body: chatBody, key, connections: CONNECTIONS, ms: 0 };
    await client.ask('start', task);
    await hospital.rollOut(2);
    const rollout = await client.ask('stop');
    const halts: Brake[] = [];
    for (let i = 0; i < rounds; i += 1) {
      halts.push(await brake(hospital, client, task, 'halt', ({ status }) => status === 503));
      await hospital.command('resume', { service: SERVICE.name });
      const serves = async (): Promise<boolean> => (await client.ask('load', { ...task, ms: 1 })).failed === 0;
      await until(() => serves().catch(() => false), { within: 20_000, what: 'the service is resumed' });
    }
    const back = await brake(hospital, client, task, 'rollback', ({ release }) => release === '1');
    const load = await client.ask('load', { ...task, connections: MANY, ms: seconds * 2000 });
    const peaks = treeOf(hospital.site.agent.pid).map(peakOf);
    return asSection({ rollout, halts, back, peaks, perSecond: load.perSecond, failed: load.failed });
  } finally {
    await client.end();
    await hospital.close();
  }
}

interface Brake {
  /** Until the first reply that shows it. */
  readonly ms: number;
  readonly replies: readonly Reply[];
}

/** Hospital IT's own command, while the clinic asks on and on. */
async function brake(
  hospital: Hospital,
  client: Worker<{ start: (task: LoadTask) => void; stop: () => Promise<readonly Reply[]> }>,
  task: LoadTask,
  kind: 'halt' | 'rollback',
  shows: (reply: Reply) => boolean,
): Promise<Brake> {
  await client.ask('start', task);
  await pause(AFTER_MS);
  const at = now();
  // Release 1 is the anchor by now, which has to be named.
  await hospital.command(kind, { service: SERVICE.name, ...(kind === 'rollback' ? { to: 1 } : {}) });
  await pause(AFTER_MS);
  const replies = await client.ask('stop');
  const first = Math.min(...replies.filter((one) => one.began >= at && shows(one)).map(({ ended }) => ended));
  return { ms: first - at, replies };
}

/** The longest that no reply came around the switch: what a clinic can notice of it. */
function gapAtSwitch(replies: readonly Reply[]): number {
  const first = replies.findIndex(({ release }) => release === '2');
  const around = replies.slice(Math.max(0, first - 10), first + 10).map(({ ended }) => ended);
  return Math.max(...around.slice(1).map((ended, i) => ended - around[i]!));
}

interface Seen {
  readonly rollout: readonly Reply[];
  readonly halts: readonly Brake[];
  readonly back: Brake;
  readonly peaks: readonly number[];
  readonly perSecond: number;
  readonly failed: number;
}

function asSection({ rollout, halts, back, peaks, perSecond, failed }: Seen): Section {
  const isLost = ({ status }: Reply): boolean => status !== 200;
  const lost = rollout.filter(isLost).length + failed;
  const refused = back.replies.filter(isLost);
  const halt = Math.max(...halts.map(({ ms }) => ms));
  const [own = 0, ...others] = peaks;
  const runtime = others.reduce((sum, bytes) => sum + bytes, 0);
  const replyMs = (replies: readonly Reply[]): string =>
    milliseconds(median(replies.map(({ began, ended }) => ended - began)));
  return {
    title: 'A whole agent',
    notes: [
      `A network of real processes with one hospital, as in the demo, and the demo's models in the embedded llama.cpp, one thread each. ${CONNECTIONS} connections ask all the while (a reply takes ${replyMs(back.replies)}); during the rollout the release is fetched, evaluated, activated and soaked beside them. Rollback and halt are hospital IT's own commands over the local socket, until the first whole reply that shows them, journal entry and all; the rollout has ended by then, so that release 1 is loaded again from the disk and requests are refused until it is there. Then ${MANY} connections ask (${figure(perSecond)} replies a second). Memory is the most that each process had since its start.`,
    ],
    tables: [
      {
        head: ['what', 'measured'],
        rows: [
          ['requests during the rollout of release 2', String(rollout.length)],
          ['longest time without any reply, around the switch', milliseconds(gapAtSwitch(rollout))],
          ['rollback at the site, until release 1 answers', milliseconds(back.ms)],
          ['… requests refused meanwhile (503)', String(refused.length)],
          [`halt at the site, until refused (${halts.length} times, longest)`, milliseconds(halt)],
          ["the agent's process", megabytes(own)],
          [`the runtime's (${others.length})`, megabytes(runtime)],
        ],
      },
    ],
    verdicts: [
      {
        what: 'requests dropped in a rollout and under load',
        budget: 'none',
        measured: `${lost} of ${rollout.length}`,
        held: lost === 0,
      },
      { what: 'rollback at the site', budget: 'under 1 s', measured: milliseconds(back.ms), held: back.ms < 1000 },
      { what: 'halt', budget: 'not serving within 5 s', measured: milliseconds(halt), held: halt < 5000 },
      {
        what: "the agent's process under load, without the runtime's",
        budget: 'at most 250 MB',
        measured: own === 0 ? 'not told here' : megabytes(own),
        held: own <= 250e6,
      },
    ],
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
