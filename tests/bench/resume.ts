import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '@openward/contracts';
import { MIB, type Options } from './options.ts';
import type { Section } from './report.ts';
import { figure, megabytes } from './statistics.ts';
import { describe, makeModel, tensorBytes, tensorCount } from './transfer/artifact.ts';
import type { NodeWorker, Transferred } from './transfer/node.worker.ts';
import type { Place } from './transfer/place.ts';
import { startWorker } from './workers.ts';

const NODE = new URL('./transfer/node.worker.ts', import.meta.url);
const REFETCH_BUDGET = 64 * MIB;
const UPDATE_BUDGET = 1.02;

/** What a node fetches again after a kill, and what it fetches of a fine-tune when it has the model before. */
export async function benchResume(place: Place, { sizeBytes }: Options): Promise<Section> {
  const before = makeModel(sizeBytes);
  const tensors = tensorCount(sizeBytes);
  const changed = new Set(
    Array.from({ length: Math.max(1, tensors >> 3) }, (_, i) => i * 8 + 3).filter((i) => i < tensors),
  );
  if (changed.size === 0) changed.add(0);
  // Its name grows, so that every tensor stands elsewhere in the file.
  const after = makeModel(sizeBytes, changed, 'bench, a fine-tune with a longer name');
  const [first, second] = [await place.publish(describe(before)), await place.publish(describe(after))];
  const dir = join(place.dir, 'resumed');
  try {
    const kills = [0.3, 0.3, 0.2].map((share) => share * sizeBytes);
    const { fetched, result } = await fetchThroughKills(place, dir, first, kills);
    const again = Math.max(0, fetched - first.size);
    const update = await inOneGo(place, dir, second);
    const changedBytes = changed.size * tensorBytes(sizeBytes);
    const ratio = update.fetchedBytes / changedBytes;
    return {
      title: 'What is fetched again',
      notes: [
        `The transferring process is killed (SIGKILL) ${kills.length} times on its way through a model of ${figure(first.size / MIB)} MiB and started again; manifest and lists are counted. Then a fine-tune that changes ${changed.size} of ${tensors} tensors, with a longer header, goes to the same node, which has the model before it.`,
      ],
      tables: [
        {
          head: ['transfer', 'size', 'came over the link', 'beside the ideal'],
          rows: [
            [
              `a model, killed ${kills.length} times`,
              megabytes(first.size),
              megabytes(fetched),
              `+ ${megabytes(again)}`,
            ],
            ['… its last part alone', '', megabytes(result.fetchedBytes), `${megabytes(result.reusedBytes)} kept`],
            ['a fine-tune of it', megabytes(second.size), megabytes(update.fetchedBytes), `${ratio.toFixed(4)}×`],
            [
              'the whole file, as HTTP or oras pull',
              megabytes(second.size),
              megabytes(second.size),
              `${(second.size / changedBytes).toFixed(2)}×`,
            ],
          ],
        },
      ],
      verdicts: [
        {
          what: 'fetched again, for each kill',
          budget: 'at most 64 MiB',
          measured: megabytes(again / kills.length),
          held: again / kills.length <= REFETCH_BUDGET,
        },
        {
          what: 'update of a fine-tune',
          budget: `at most ${UPDATE_BUDGET} times the changed bytes`,
          measured: `${ratio.toFixed(4)}×`,
          held: ratio <= UPDATE_BUDGET,
        },
      ],
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function inOneGo(place: Place, dir: string, artifact: ArtifactRef, fetchLog?: string): Promise<Transferred> {
  const node = startWorker<NodeWorker>(NODE);
  try {
    const log = fetchLog === undefined ? {} : { fetchLog };
    return await node.ask('openward', { url: place.nats.url, dir, artifact, ...log });
  } finally {
    await node.end();
  }
}

async function fetchThroughKills(
  place: Place,
  dir: string,
  artifact: ArtifactRef,
  kills: readonly number[],
): Promise<{ readonly fetched: number; readonly result: Transferred }> {
  const fetchLog = join(place.dir, 'fetched');
  const fetched = (): number =>
    existsSync(fetchLog)
      ? readFileSync(fetchLog, 'utf8')
          .split('\n')
          .reduce((sum, line) => sum + Number(line), 0)
      : 0;
  for (const bytes of kills) {
    const goal = fetched() + bytes;
    const node = startWorker<NodeWorker>(NODE);
    const over = node
      .ask('openward', { url: place.nats.url, dir, artifact, fetchLog })
      .then(() => true)
      .catch(() => true);
    while (fetched() < goal && !(await Promise.race([over, pause(2)])));
    await node.kill();
  }
  const result = await inOneGo(place, dir, artifact, fetchLog);
  return { fetched: fetched(), result };
}

const pause = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));
