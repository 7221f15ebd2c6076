import { join } from 'node:path';
import { mkdir, rm } from 'node:fs/promises';
import type { ArtifactRef } from '@openward/contracts';
import type { Options } from './options.ts';
import type { Section } from './report.ts';
import { figure, milliseconds, quantile, rateOf } from './statistics.ts';
import { describe, makeModel } from './transfer/artifact.ts';
import type { NodeWorker, Transferred } from './transfer/node.worker.ts';
import type { Place } from './transfer/place.ts';
import type { SlowLineWorker } from './transfer/slow-line.worker.ts';
import { startWorker } from './workers.ts';

const NODE = new URL('./transfer/node.worker.ts', import.meta.url);
const SLOW_LINE = new URL('./transfer/slow-line.worker.ts', import.meta.url);

/** 20 Mbit/s: the line on which the pace was worked out. 40 ms there and back, with a queue of 512 KiB. */
const SLOW = 2.5e6;
const LINE = { delayMs: 20, queueBytes: 512 * 1024 };
/** 25 Mbit/s, which carries a chunk in less than the budget; 20 takes 52 ms (docs/adr/0015). */
const FASTER = 3.125e6;
const PACE = 0.7;
const BUDGET_MS = 50;
const COARSE = 256 * 1024;

interface Case {
  readonly label: string;
  readonly artifact: ArtifactRef;
  /** Of the line, in bytes a second. */
  readonly line: number;
  /** Share of the line that the site gives to bulk; no limit when left out. */
  readonly pace?: number;
}

/** D2's question: which size of chunk leaves a node's control connection its time, on a fast line and on a slow one. */
export async function benchControl(place: Place, { sizeBytes, seconds }: Options): Promise<Section> {
  const usual = describe(makeModel(sizeBytes));
  const artifacts = {
    usual: await place.publish(usual),
    coarse: await place.publish(describe(usual.bytes, COARSE)),
  };
  const loopback = [
    await overLoopback(place, 'loopback, chunks of 128 KiB', artifacts.usual),
    await overLoopback(place, 'loopback, chunks of 256 KiB', artifacts.coarse),
  ];
  // A slow line leaves the machine idle, so that all of them can run beside each other.
  const slow = await Promise.all(
    (
      [
        { label: '20 Mbit/s, chunks of 128 KiB, at 70 %', artifact: artifacts.usual, line: SLOW, pace: PACE },
        { label: '25 Mbit/s, chunks of 128 KiB, at 70 %', artifact: artifacts.usual, line: FASTER, pace: PACE },
        { label: '20 Mbit/s, chunks of 256 KiB, at 70 %', artifact: artifacts.coarse, line: SLOW, pace: PACE },
        { label: '20 Mbit/s, chunks of 128 KiB, no pace', artifact: artifacts.usual, line: SLOW },
      ] satisfies Case[]
    ).map((one) => overSlowLine(place, one, seconds * 4000)),
  );
  return asSection([...loopback, ...slow]);
}

interface Seen extends Transferred {
  readonly label: string;
}

async function overLoopback(place: Place, label: string, artifact: ArtifactRef): Promise<Seen> {
  const { url } = place.nats;
  return { label, ...(await fetchProbed(place, label, { url, artifact, probe: { url, idleMs: 1000, everyMs: 4 } })) };
}

async function overSlowLine(
  place: Place,
  { label, artifact, line: bytesPerSecond, pace }: Case,
  forMs: number,
): Promise<Seen> {
  const line = startWorker<SlowLineWorker>(SLOW_LINE);
  try {
    const url = await line.ask('listen', { ...LINE, bytesPerSecond, port: place.nats.port });
    const probe = { url, idleMs: Math.min(2500, forMs), everyMs: 20 };
    const paced = pace === undefined ? {} : { bytesPerSecond: pace * bytesPerSecond };
    return { label, ...(await fetchProbed(place, label, { url, forMs, probe, artifact, ...paced })) };
  } finally {
    await line.end();
  }
}

async function fetchProbed(
  place: Place,
  label: string,
  task: Omit<Parameters<NodeWorker['openward']>[0], 'dir'>,
): Promise<Transferred> {
  const dir = join(place.dir, label.replaceAll(/\W+/g, '-'));
  await mkdir(dir);
  const node = startWorker<NodeWorker>(NODE);
  try {
    return await node.ask('openward', { ...task, dir });
  } finally {
    await node.end();
    await rm(dir, { recursive: true, force: true });
  }
}

function asSection(all: readonly Seen[]): Section {
  const added = ({ idle, busy }: Seen): number => quantile(busy, 0.99) - quantile(idle, 0.99);
  return {
    title: 'A control round trip while bulk runs',
    notes: [
      'A read of a message of 2.5 kB by direct get over a connection of its own, in the process that transfers, before the transfer and during it. A slow line is a model in user space: 40 ms there and back, and one first-in-first-out queue of 512 KiB that both connections share. The product cuts chunks of 128 KiB, which occupy a line of 20 Mbit/s for 52 ms and one of 25 for 42; chunks of 256 KiB are beside it for comparison.',
    ],
    tables: [
      {
        head: ['line and chunks', 'bulk', 'idle p50', 'idle p99', 'busy p50', 'busy p99', 'added p99'],
        rows: all.map((seen) => [
          seen.label,
          `${figure(rateOf(seen.fetchedBytes, seen.ms))} MB/s`,
          milliseconds(quantile(seen.idle, 0.5)),
          milliseconds(quantile(seen.idle, 0.99)),
          milliseconds(quantile(seen.busy, 0.5)),
          milliseconds(quantile(seen.busy, 0.99)),
          milliseconds(added(seen)),
        ]),
      },
    ],
    verdicts: all
      .filter(({ label }) => label.includes('128 KiB') && !label.endsWith('no pace'))
      .map((seen) => ({
        what: `control p99, ${seen.label}`,
        budget: `at most idle + ${BUDGET_MS} ms`,
        measured: `+ ${milliseconds(added(seen))}`,
        held: added(seen) <= BUDGET_MS,
      })),
  };
}
