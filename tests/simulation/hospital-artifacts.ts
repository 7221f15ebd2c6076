import { type Assignment, type ArtifactRef, type Digest, type Name, Release } from '@openward/contracts';
import { type Fetch, type Held, Unrecoverable, type Verify } from '@openward/activation';
import { between, heldFor, type Life } from '@openward/activation/testing';
import { transfer } from '@openward/distribution';
import { type SimulatedDisk, simulatedStore } from '@openward/distribution/testing';
import type { PrivacyPorts } from '@openward/privacy';
import { parseOnce, PIECES, type SiteName } from './catalogue.ts';
import type { ControlPlane } from './control-plane.ts';
import type { HospitalNetwork } from './hospital-network.ts';
import { chanceOf, seededRandom, type Surroundings } from './surroundings.ts';

// The node's files: the real transfer over a bad bulk connection onto a disk that tears, and the checks of what has come.

export interface FetchOptions {
  readonly site: SiteName;
  readonly node: Name;
  readonly around: Surroundings;
  readonly plane: ControlPlane;
  readonly disk: SimulatedDisk;
  readonly network: HospitalNetwork;
  readonly ports: PrivacyPorts;
  /** All that comes over the link, of whatever file. */
  readonly onBytes: (bytes: number) => void;
  /** Called at each step of the disk. */
  readonly near: () => void;
}

const artifactsOf = ({ release, suite, variant }: Assignment): readonly ArtifactRef[] => [
  release.document,
  suite.artifact,
  ...(variant.base === undefined ? [] : [variant.base]),
  variant.artifact,
];

export function simulatedFetch(life: Life, options: FetchOptions): Fetch {
  const { site, node, around, disk, network, ports } = options;
  const { world, link } = around;
  const store = simulatedStore(disk, {
    world: chanceOf(world),
    onStep: options.near,
    answer: (ms, value) => life.answer(ms, value),
  });
  const source = chunkSource(life, options);
  const isClinic = site === 'primary';
  return {
    fetch: async (assignment, waiting, signal) => {
      waiting('network');
      await link.whenConnected(node);
      await life.answer(0, () => undefined, signal);
      waiting(null);
      for (const artifact of artifactsOf(assignment)) {
        await transfer(
          {
            clock: ports.clock,
            timers: ports.timers,
            random: seededRandom(world),
            source,
            refill: {
              ask: (family, manifest, chunks) => network.refill(life, { family, manifest, chunks: [...chunks] }),
            },
            store,
          },
          {
            artifact,
            link: { bytesPerSecond: () => (isClinic ? 375_000 : 10_000_000), roundTripMs: () => undefined },
            signal,
            onState: ({ kind }) => {
              if (kind === 'chunksMissing') waiting('chunksMissing');
              else waiting(kind === 'retrying' ? 'network' : null);
            },
          },
          // Far less than an artifact, so that a death falls between two of them.
          { syncBytes: 1500 },
        );
      }
    },
    reclaim: async ({ manifests, files }) => void (await store.reclaim(new Set([...manifests, ...files]))),
  };
}

function chunkSource(life: Life, { site, node, around, plane, onBytes }: FetchOptions) {
  const { world, link } = around;
  const lost = (): never => {
    throw new Error('the connection is lost');
  };
  return {
    get: (
      _family: Name,
      digest: Digest,
      options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
    ) => {
      const { signal } = options;
      if (link.isCut(node)) return life.answer(5, lost, signal);
      if (around.isChaotic() && world.random() < 0.01) return life.answer(options.timeoutMs, lost, signal);
      const roundTrip = site === 'primary' ? between(world, 50, 250) : between(world, 2, 30);
      const answer = (): Uint8Array | 'missing' => {
        if (link.isCut(node)) return lost();
        const bytes = plane.missingChunks.has(digest) ? undefined : PIECES.get(digest);
        onBytes(bytes?.length ?? 0);
        return bytes ?? 'missing';
      };
      return life.answer(roundTrip, answer, signal);
    },
  };
}

export function bytesOn(disk: SimulatedDisk, file: Digest): Uint8Array {
  const bytes = disk.files.get(file);
  if (bytes === undefined) throw new Error(`${file} is not on this disk`);
  return bytes;
}

export const simulatedVerify = (life: Life, disk: SimulatedDisk): Verify => ({
  verify: (assignment, _active, signal) =>
    life.answer(
      between(life.world, 1, 100),
      (): Held => {
        for (const artifact of artifactsOf(assignment)) bytesOn(disk, artifact.file);
        const { release, variant, suite } = assignment;
        const { file } = release.document;
        const document = parseOnce(file, bytesOn(disk, file), Release);
        const bound = document.model.variants.find((one) => one.variant === variant.name);
        if (bound?.artifact.file !== variant.artifact.file || document.suite.digest !== suite.digest)
          throw new Unrecoverable('documentInvalid', 'the release does not bind what the assignment names');
        return heldFor(assignment);
      },
      signal,
    ),
});
