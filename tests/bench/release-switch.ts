import { chatBody, KEY } from './gateway/exchange.ts';
import type { LoadWorker, Reply } from './gateway/load.worker.ts';
import type { SwitchingWorker } from './gateway/switching.worker.ts';
import type { Options } from './options.ts';
import type { Section } from './report.ts';
import { median, milliseconds } from './statistics.ts';
import { startWorker } from './workers.ts';

const LOAD = new URL('./gateway/load.worker.ts', import.meta.url);
const SWITCHING = new URL('./gateway/switching.worker.ts', import.meta.url);
const CONNECTIONS = 4;
const SWITCHES_A_ROUND = 4;
const BETWEEN_MS = 200;
const SWAPS = 3;

/** To one release, at this moment. */
export interface Switched {
  readonly to: number;
  readonly at: number;
}

export interface Answered {
  readonly to: number;
  /** Until a reply of this release that was asked for after the switch. */
  readonly firstMs: number;
  /** Asked after the switch and answered by the other release. */
  readonly stale: number;
}

/** What the stream of replies saw of one switch. `until` is when the next began. */
export function seenOf(replies: readonly Reply[], { to, at }: Switched, until: number): Answered {
  const after = replies.filter(({ began }) => began >= at && began < until);
  const first = Math.min(...after.filter(({ release }) => release === String(to)).map(({ ended }) => ended));
  // What was sent just before the next switch can arrive after it, and is then rightly answered by the next release.
  const isStale = ({ began, ended, release }: Reply): boolean =>
    began > first && ended < until && release !== String(to);
  const stale = after.filter(isStale).length;
  return { to, firstMs: first - at, stale };
}

export async function benchSwitch(_: unknown, { rounds }: Options): Promise<Section> {
  const gateway = startWorker<SwitchingWorker>(SWITCHING);
  const client = startWorker<LoadWorker>(LOAD);
  try {
    const url = await gateway.ask('listen');
    const task = { url, path: '/v1/chat/completions', body: chatBody, key: KEY, connections: CONNECTIONS, ms: 0 };
    await client.ask('start', task);
    const switches: Switched[] = [];
    for (let i = 0; i < rounds * SWITCHES_A_ROUND; i += 1) {
      await pause(BETWEEN_MS);
      const to = i % 2 === 0 ? 2 : 1;
      switches.push({ to, at: await gateway.ask('switchTo', { release: to }) });
    }
    await pause(BETWEEN_MS);
    const replies = await client.ask('stop');
    const swaps: number[] = [];
    for (let i = 0; i < SWAPS; i += 1) swaps.push(await gateway.ask('swap'));
    const seen = switches.map((one, i) => seenOf(replies, one, switches[i + 1]?.at ?? Infinity));
    return asSection(seen, replies, swaps);
  } finally {
    await client.end();
    await gateway.end();
  }
}

function asSection(seen: readonly Answered[], replies: readonly Reply[], swaps: readonly number[]): Section {
  const dropped = replies.filter(({ status }) => status !== 200).length;
  const stale = seen.reduce((sum, one) => sum + one.stale, 0);
  const took = (to: number): number[] => seen.filter((one) => one.to === to).map(({ firstMs }) => firstMs);
  const [forward, back] = [took(2), took(1)];
  const row = (label: string, all: readonly number[]): string[] => [
    label,
    String(all.length),
    milliseconds(median(all)),
    milliseconds(Math.max(...all)),
  ];
  const replyMs = median(replies.map(({ began, ended }) => ended - began));
  return {
    title: 'The switch to a staged release, and back',
    notes: [
      `The agent's gateway and switch with two demo models loaded side by side in the embedded llama.cpp, while ${CONNECTIONS} connections ask all the time (${replies.length} requests, a reply takes ${milliseconds(replyMs)}): from the switch until the first whole reply of the other release. Beside it, what it takes where only one fits: unload, load, warm up (a model of 1.3 MB; a real one takes as long as its file takes to read).`,
    ],
    tables: [
      {
        head: ['way', 'times', 'median', 'longest'],
        rows: [row('switch to the staged release', forward), row('back', back), row('unload and load instead', swaps)],
      },
    ],
    verdicts: [
      {
        what: 'switch to a staged release',
        budget: 'under 100 ms',
        measured: `at most ${milliseconds(Math.max(...forward))}`,
        held: Math.max(...forward) < 100,
      },
      {
        what: 'roll back',
        budget: 'under 1 s',
        measured: `at most ${milliseconds(Math.max(...back))}`,
        held: Math.max(...back) < 1000,
      },
      {
        what: 'requests dropped, or answered by the release before',
        budget: 'none',
        measured: `${dropped} and ${stale} of ${replies.length}`,
        held: dropped + stale === 0,
      },
    ],
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
