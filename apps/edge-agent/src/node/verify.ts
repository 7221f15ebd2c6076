import { open } from 'node:fs/promises';
import { Unrecoverable, type Held, type Verify } from '@openward/activation';
import { artifactsOf, type ArtifactRef, type Assignment, type Release } from '@openward/contracts';
import { namesDataSet } from '@openward/evaluation';
import { changeAtNode, classOfChange, type Change, type Files } from '@openward/policy';
import { readGguf, type ByteSource, type NodeStore } from '@openward/distribution';
import type { AgentConfig } from '../config.ts';
import type { Documents } from './documents.ts';
import { keyOf } from './model-runtime.ts';

/** Of the two documents, and of the files that this node runs and would run. */
function changeHere(serving: Release | null, runs: Files | null, next: Release, files: Files): Change {
  const change = classOfChange(serving, next);
  if (serving === null || runs === null) return change;
  return changeAtNode(change, { variants: serving.model.variants, runs }, files);
}

async function sourceOf(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    size,
    read: async (offset, length) => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      if (bytesRead !== length) throw new Error(`the file ended at ${offset + bytesRead}`);
      return bytes;
    },
    close: () => handle.close(),
  };
}

export function createVerify(options: {
  readonly store: NodeStore;
  readonly documents: Documents;
  readonly config: AgentConfig;
  /** What the site's own data sets are called outside, every version that there was (E7). */
  readonly commitments: () => readonly string[];
  /** Rejects with `Unrecoverable` where this node would not run the release's policy, with its own terms. */
  readonly assertPolicy: (assignment: Assignment, release: Release) => Promise<void>;
}): Verify {
  const { store, documents, config } = options;
  const checkFile = async (artifact: ArtifactRef, signal: AbortSignal): Promise<void> => {
    if (!(await store.verify(artifact.file, signal))) {
      await store.remove(artifact.file);
      throw new Unrecoverable('digestMismatch', `the file ${artifact.file} is damaged on this disk`);
    }
  };
  const checkGguf = async (artifact: ArtifactRef): Promise<void> => {
    const path = await store.find(artifact.file);
    if (path === undefined) throw new Error(`the file ${artifact.file} is not on this disk`);
    const source = await sourceOf(path);
    try {
      await readGguf(source);
    } catch (cause) {
      throw new Unrecoverable('modelNotGguf', `the file ${artifact.file} is no GGUF that this agent would load`, {
        cause,
      });
    } finally {
      await source.close();
    }
  };
  /**
   * N2: standing rules go by the class that the assignment claims, and nobody may claim a narrower one than this is here. `base` is
   * the widest, and what a plan says where it does not know.
   */
  const checkChange = async (assignment: Assignment, document: Release, active: Held | null): Promise<void> => {
    const { change } = assignment.release;
    const serving = active === null ? null : await documents.release(active.release, active.document);
    const { is, differs } = changeHere(serving, active, document, assignment.variant);
    if (change === is || (change === 'base' && is !== 'newService')) return;
    const against =
      serving === null ? 'nothing serves here' : `release ${serving.number} has another ${differs.join(', ')}`;
    throw new Unrecoverable('changeMismatch', `the change is said to be ${change} and is ${is} here: ${against}`);
  };
  /** E7: the code tells the network that some set of this site was trained on, and that the statement itself says. */
  const checkTraining = ({ model }: Release): void => {
    const named = options.commitments().find((commitment) => namesDataSet(model.trainingStatement, commitment));
    if (named !== undefined)
      throw new Unrecoverable('setInTraining', `the model says that it was trained on this site's set ${named}`);
  };
  return {
    async verify(assignment, active, signal): Promise<Held> {
      const { release, suite, variant } = assignment;
      for (const artifact of artifactsOf(assignment)) await checkFile(artifact, signal);
      await checkGguf(variant.artifact);
      if (variant.base !== undefined) await checkGguf(variant.base);
      const document = await documents.release(release.digest, release.document);
      const bound = document.model.variants.find((one) => one.variant === variant.name);
      if (
        document.service.name !== assignment.service ||
        bound?.artifact.file !== variant.artifact.file ||
        bound.base?.file !== variant.base?.file
      )
        throw new Unrecoverable('documentInvalid', 'the release does not bind the variant that the assignment names');
      if (document.suite.digest !== suite.digest)
        throw new Unrecoverable('documentInvalid', 'the release does not bind the suite that the assignment names');
      await documents.suite(suite.digest, suite.artifact);
      await checkChange(assignment, document, active);
      checkTraining(document);
      // Before anything is loaded: nothing has changed, and none of it has served.
      await options.assertPolicy(assignment, document);
      if (bound.needs.threads > config.runtime.threads || bound.needs.memoryBytes > config.runtime.memoryGiB * 2 ** 30)
        throw new Unrecoverable(
          'variantNoLongerFits',
          `the variant ${variant.name} needs more than this node gives its runtime`,
        );
      return {
        key: keyOf({ ...variant, contextLength: document.model.contextLength }),
        release: release.digest,
        number: release.number,
        variant: variant.name,
        document: release.document,
        artifact: variant.artifact,
        ...(variant.base === undefined ? {} : { base: variant.base }),
        chain: null,
      };
    },
  };
}
