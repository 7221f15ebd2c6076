import type { ArtifactRef, Assignment, Digest, WaitCode } from '@openward/contracts';
import type { Keep } from '../events.ts';
import type { Held } from '../model.ts';
import type { Fetch, Verify } from '../ports.ts';
import type { Life } from './life.ts';
import { between } from './world.ts';

/** The name under which files are loaded, of whatever release they are. */
const keyOf = (...files: readonly (ArtifactRef | undefined)[]): string =>
  files.map((artifact) => artifact?.file.slice('sha256:'.length).slice(0, 32) ?? '').join('-');

export function heldFor({ release, variant }: Assignment): Held {
  return {
    key: keyOf(variant.artifact, variant.base),
    release: release.digest,
    number: release.number,
    variant: variant.name,
    document: release.document,
    artifact: variant.artifact,
    ...(variant.base === undefined ? {} : { base: variant.base }),
    chain: null,
  };
}

const filesOf = ({ release, variant, suite }: Assignment): readonly Digest[] => [
  release.document.file,
  variant.artifact.file,
  suite.artifact.file,
  ...(variant.base === undefined ? [] : [variant.base.file]),
];

export interface DiskBehaviour {
  /** How long the fetch of what is missing takes, in milliseconds. */
  readonly fetchMs?: (assignment: Assignment) => number;
  /** Throws where a fetch fails. */
  readonly fetching?: (assignment: Assignment, waiting: (code: WaitCode | null) => void) => void;
  /** Throws where a check fails. */
  readonly verifying?: (assignment: Assignment) => void;
}

/** Files by digest. They outlive the machine; a fetch that was cut goes on where it stood, so it is told as a share. */
export class SimulatedDisk {
  readonly files = new Set<Digest>();
  readonly fetchesBegun: string[] = [];
  /** Grows with each file that comes or goes. */
  changes = 0;

  fetch(life: Life, behaviour: DiskBehaviour = {}): Fetch {
    const { world } = life;
    return {
      fetch: (assignment, waiting, signal) => {
        this.fetchesBegun.push(assignment.id);
        const isWhole = filesOf(assignment).every((file) => this.files.has(file));
        const ms = isWhole ? 1 : (behaviour.fetchMs?.(assignment) ?? between(world, 20, 3000));
        return life.answer(
          ms,
          () => {
            behaviour.fetching?.(assignment, waiting);
            for (const file of filesOf(assignment)) this.files.add(file);
            this.changes++;
          },
          signal,
        );
      },
      reclaim: (keep) => life.answer(between(world, 1, 10), () => this.#reclaim(keep)),
    };
  }

  verify(life: Life, behaviour: DiskBehaviour = {}): Verify {
    return {
      verify: (assignment, _active, signal) =>
        life.answer(
          between(life.world, 1, 200),
          () => {
            behaviour.verifying?.(assignment);
            const missing = filesOf(assignment).find((file) => !this.files.has(file));
            if (missing !== undefined) throw new Error(`verified before it was fetched: ${missing}`);
            return heldFor(assignment);
          },
          signal,
        ),
    };
  }

  #reclaim(keep: Keep): void {
    this.changes++;
    for (const file of this.files) if (!keep.files.includes(file)) this.files.delete(file);
  }
}
