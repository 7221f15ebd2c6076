import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '@openward/contracts';
import { MIB, type Options } from './options.ts';
import type { Section } from './report.ts';
import { figure, interleave, median, megabytes, rateOf, times } from './statistics.ts';
import { type Artifact, describe, describeLarge, makeModel } from './transfer/artifact.ts';
import type { FileServerWorker } from './transfer/file-server.worker.ts';
import type { Fetched, NodeWorker } from './transfer/node.worker.ts';
import type { Place } from './transfer/place.ts';
import { startWorker } from './workers.ts';

const NODE = new URL('./transfer/node.worker.ts', import.meta.url);
const FILE_SERVER = new URL('./transfer/file-server.worker.ts', import.meta.url);
const COARSE = 256 * 1024;

/** Runs one fetch in a fresh process and a fresh folder. */
export async function fetchOnce<T extends Fetched>(
  place: Place,
  fetch: (node: ReturnType<typeof startWorker<NodeWorker>>, dir: string) => Promise<T>,
): Promise<T> {
  const dir = join(place.dir, 'node');
  await mkdir(dir, { recursive: true });
  const node = startWorker<NodeWorker>(NODE);
  try {
    return await fetch(node, dir);
  } finally {
    await node.end();
    await rm(dir, { recursive: true, force: true });
  }
}

const viaStream = (place: Place, artifact: ArtifactRef) => () =>
  fetchOnce(place, (node, dir) => node.ask('openward', { url: place.nats.url, dir, artifact }));

/** What was published is still on its way to the disk; whoever came first would share the disk with it. */
const settle = (): Promise<void> => new Promise((resolve) => execFile('sync', () => resolve()));

export async function benchTransfer(place: Place, { sizeBytes, largeBytes, rounds }: Options): Promise<Section> {
  const usual = describe(makeModel(sizeBytes));
  const small = describe(makeModel(sizeBytes / 4));
  const refs = {
    usual: await place.publish(usual),
    coarse: await place.publish(describe(usual.bytes, COARSE)),
    small: await place.publish(small),
  };
  await place.putObject('model', usual.bytes);
  const served = join(place.dir, 'served.gguf');
  await writeFile(served, usual.bytes);
  const server = startWorker<FileServerWorker>(FILE_SERVER);
  try {
    const url = await server.ask('listen', { path: served });
    await settle();
    // Nobody's figures: the first to write finds memory that the file system has not had before, and waits for it.
    await viaStream(place, refs.usual)();
    const results = await interleave<string, Fetched>(rounds, {
      usual: viaStream(place, refs.usual),
      http: () =>
        fetchOnce(place, (node, dir) => node.ask('http', { url, path: join(dir, 'file'), digest: refs.usual.file })),
      objectStore: () =>
        fetchOnce(place, (node, dir) =>
          node.ask('objectStore', { url: place.nats.url, name: 'model', path: join(dir, 'file') }),
        ),
      coarse: viaStream(place, refs.coarse),
      small: viaStream(place, refs.small),
    });
    const large = await place.publish(describeLarge(largeBytes));
    await settle();
    const once = await viaStream(place, large)();
    return asSection(usual, small, results, { bytes: largeBytes, ...once }, rounds);
  } finally {
    await server.end();
    await rm(served, { force: true });
  }
}

const processorTime = (ms: number, bytes: number): string => `${figure((ms / bytes) * 1e6)} s/GB`;

function asSection(
  whole: Artifact,
  small: Artifact,
  results: Readonly<Record<string, readonly Fetched[]>>,
  large: Fetched & { readonly bytes: number },
  rounds: number,
): Section {
  const size = whole.bytes.length;
  const speed = (name: string, bytes = size): number => rateOf(bytes, median(results[name]!.map(({ ms }) => ms)));
  const peak = (name: string): number => Math.max(...results[name]!.map(({ peakBytes }) => peakBytes));
  const row = (label: string, name: string, bytes = size): string[] => [
    label,
    `${figure(speed(name, bytes))} MB/s`,
    times(speed('usual') / speed(name, bytes)),
    processorTime(median(results[name]!.map(({ cpuMs }) => cpuMs)), bytes),
    megabytes(peak(name)),
  ];
  const [toStore, toHttp] = [speed('usual') / speed('objectStore'), speed('usual') / speed('http')];
  return {
    title: `A model of ${Math.round(size / MIB)} MiB to one node`,
    notes: [
      `Into a file, verified by SHA-256 and synced; loopback without TLS, each fetch in a process of its own, ${rounds} rounds in turn, medians of speed and the highest memory. The Object Store's client verifies while it reads; the HTTP client hashes as it writes; Openward verifies each chunk before it is written and the whole file before it gets its name, and keeps a journal. Processor time is that of the fetching process, for each GB.`,
    ],
    tables: [
      {
        head: ['way', 'speed', 'Openward is', 'processor time', 'memory at most'],
        rows: [
          row('Openward, chunks of 128 KiB', 'usual'),
          row('Openward, chunks of 256 KiB', 'coarse'),
          row('Openward, a quarter of the size', 'small', small.bytes.length),
          [
            `Openward, ${Math.round(large.bytes / MIB)} MiB, once`,
            `${figure(rateOf(large.bytes, large.ms))} MB/s`,
            times(speed('usual') / rateOf(large.bytes, large.ms)),
            processorTime(large.cpuMs, large.bytes),
            megabytes(large.peakBytes),
          ],
          row('plain HTTP download', 'http'),
          row("NATS client's Object Store get", 'objectStore'),
        ],
      },
    ],
    verdicts: [
      { what: 'beside Object Store get', budget: 'at least 4×', measured: times(toStore), held: toStore >= 4 },
      { what: 'beside an HTTP download', budget: 'no slower', measured: times(toHttp), held: toHttp >= 1 },
      {
        what: 'memory while transferring',
        budget: 'at most 300 MB',
        measured: megabytes(peak('usual')),
        held: peak('usual') <= 300e6,
      },
      {
        what: `memory while transferring ${Math.round(large.bytes / MIB)} MiB`,
        budget: 'at most 300 MB',
        measured: megabytes(large.peakBytes),
        held: large.peakBytes <= 300e6,
      },
    ],
  };
}
