import { Inject, Injectable } from '@nestjs/common';
import { chunkSubject, Refusal, type ArtifactRef, type Digest } from '@openward/contracts';
import { publishChunks, readLayout, type ArtifactLayout, type Published } from '@openward/distribution';
import type { RolloutState } from '@openward/rollout';
import { CONTEXT, type Context } from '../process/context.ts';
import { evictChunks, subjectsOf } from './chunk-cache.ts';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** Puts what rollouts need into the chunk stream, one artifact after the other (D2, D5). The stream is a cache of the store. */
@Injectable()
export class ChunkPublisher {
  readonly #waiting = new Map<string, ArtifactRef>();
  #working: Promise<void> | null = null;
  readonly #ending = new AbortController();

  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** In the background, and only what the stream has not; a chunk that it holds damaged is found by the node that reads it. */
  publish(refs: readonly ArtifactRef[]): void {
    for (const ref of refs) this.#waiting.set(`${ref.family} ${ref.manifest}`, ref);
    this.#working ??= this.work().finally(() => {
      this.#working = null;
    });
  }

  /** Of every rollout that runs. A late node of a completed one asks for a refill (R7). */
  async publishRunning(): Promise<void> {
    this.publish(await this.ofRunningRollouts());
  }

  /** Some pieces of one artifact, now. How many of them were put into the stream. */
  async fillIn(ref: ArtifactRef, asked: readonly Digest[]): Promise<number> {
    const layout = await this.layoutOf(ref);
    if (layout === null) return 0;
    const own = new Set(piecesOf(layout));
    return this.put(
      ref,
      asked.filter((digest) => own.has(digest)),
    );
  }

  async stop(): Promise<void> {
    this.#ending.abort(new Error('stopped'));
    await this.#working;
  }

  private async work(): Promise<void> {
    const { log, timers } = this.context;
    const { signal } = this.#ending;
    let failures = 0;
    for (let next = first(this.#waiting); next !== undefined && !signal.aborted; next = first(this.#waiting)) {
      const [key, ref] = next;
      this.#waiting.delete(key);
      try {
        const layout = await this.layoutOf(ref);
        if (layout !== null) await this.putMissing(ref, piecesOf(layout));
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        log.error('chunks could not be published', { manifest: ref.manifest, family: ref.family, error });
        if (!this.#waiting.has(key)) this.#waiting.set(key, ref);
        const restMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
        failures += 1;
        await timers.sleep(restMs, signal).catch(() => {});
      }
    }
  }

  private async ofRunningRollouts(): Promise<ArtifactRef[]> {
    const found: ArtifactRef[] = [];
    let after: string | undefined;
    do {
      const query = { limit: 50, ...(after === undefined ? {} : { after }) };
      const page = await this.context.store.rollouts.list(query, { open: true });
      for (const { state } of page.items) if (state.life.kind === 'running') found.push(...artifactsOf(state));
      after = page.next ?? undefined;
    } while (after !== undefined);
    return found;
  }

  /** Subjects of the pieces that must stay. A completed rollout is open until the next one: its pieces would fill the cache for good. */
  private async needed(): Promise<Set<string>> {
    const subjects = new Set<string>();
    for (const ref of await this.ofRunningRollouts()) {
      const layout = await this.layoutOf(ref);
      for (const digest of layout === null ? [] : piecesOf(layout)) subjects.add(chunkSubject(ref.family, digest));
    }
    return subjects;
  }

  private async layoutOf({ manifest }: ArtifactRef): Promise<ArtifactLayout | null> {
    const { artifacts, log } = this.context;
    const layout = await readLayout(manifest, (digest) => artifacts.get(digest));
    if (!('missing' in layout)) return layout;
    log.error('the artifact store lacks a piece: only a new push brings it back', {
      manifest,
      missing: layout.missing,
    });
    return null;
  }

  private async putMissing(ref: ArtifactRef, digests: readonly Digest[]): Promise<void> {
    const held = await subjectsOf(this.context.links.engine, ref.family);
    const missing = digests.filter((digest) => !held.has(chunkSubject(ref.family, digest)));
    if (missing.length > 0) await this.put(ref, missing);
  }

  private async put(ref: ArtifactRef, digests: readonly Digest[]): Promise<number> {
    const { links, artifacts, log } = this.context;
    await links.engine.whenConnected(this.#ending.signal);
    const request = links.engine.nc.request.bind(links.engine.nc);
    const { signal } = this.#ending;
    const publish = (): Promise<Published> =>
      publishChunks({ request, store: artifacts, family: ref.family, digests, signal });
    const done = await publish().catch(async (error: unknown) => {
      if (!(error instanceof Refusal && error.code === 'quotaExceeded')) throw error;
      const evicted = await evictChunks(links.engine, await this.needed());
      log.info('chunks evicted', { evicted });
      if (evicted === 0) throw error;
      return publish();
    });
    if (done.lost.length > 0)
      log.error('the artifact store lacks chunks', { manifest: ref.manifest, lost: done.lost.length });
    if (done.published > 0)
      log.info('chunks published', { manifest: ref.manifest, family: ref.family, ...done, lost: done.lost.length });
    return done.published;
  }
}

const first = <K, V>(map: ReadonlyMap<K, V>): readonly [K, V] | undefined => map.entries().next().value;

/** Manifest, lists and chunks, in the order in which a node asks for them. */
const piecesOf = ({ digest, manifest, chunks }: ArtifactLayout): Digest[] => [
  digest,
  ...manifest.lists.map((list) => list.digest),
  ...chunks.map((chunk) => chunk.digest),
];

/** What the nodes of a rollout fetch: documents first, then the variants in the order of the waves. */
export function artifactsOf({ plan, offer }: RolloutState): ArtifactRef[] {
  const planned = new Set(plan.waves.flatMap((wave) => wave.nodes.map((node) => node.variant)));
  const variants = [...planned].flatMap((name) => offer.variants.find((it) => it.variant === name) ?? []);
  const weights = variants.flatMap(({ artifact, base }) => (base === undefined ? [artifact] : [base, artifact]));
  return [offer.release.document, offer.suite.artifact, ...weights];
}
