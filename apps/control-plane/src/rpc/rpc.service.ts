import { Inject, Injectable } from '@nestjs/common';
import {
  artifactsOf,
  type AckedReply,
  type HelloReply,
  type Name,
  type PermitReply,
  type RefillReply,
} from '@openward/contracts';
import { answerPermit } from '@openward/rollout';
import { ChunkPublisher } from '../delivery/chunk-publisher.ts';
import { engineSettings } from '../delivery/engine-settings.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { Commits } from '../reports/commits.ts';
import { Metrics } from '../process/metrics.ts';
import type { Asked } from './node-identity.ts';

/** The longest that a call waits for a commit (D4). */
const PATIENCE_MS = 2_000;
/** How often the database is asked meanwhile, since another replica may have committed. */
const LOOK_MS = 200;
const REFILL_AGAIN_MS = 250;

@Injectable()
export class RpcService {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(Commits) private readonly commits: Commits,
    @Inject(ChunkPublisher) private readonly chunks: ChunkPublisher,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  /** R4. The grant is committed when this resolves. */
  async permit({ node, request }: Asked<'permit'>): Promise<PermitReply> {
    const { store, config } = this.context;
    const reply = await answerPermit(store.rolloutStore, node, request, engineSettings(config));
    this.metrics.permits.add(1, { answer: reply.answer.granted ? 'granted' : reply.answer.why });
    return reply;
  }

  async acked({ node, request }: Asked<'acked'>): Promise<AckedReply> {
    const { timers } = this.context;
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const news = this.commits.next(node);
      const ackedThrough = await this.committed(node);
      const left = deadline - performance.now();
      if (ackedThrough >= request.through || left <= 0) return { v: 1, nonce: request.nonce, ackedThrough };
      await timers.sleep(Math.min(LOOK_MS, left), news).catch(() => {});
    }
  }

  /** P8, K3: what was last accepted of this node, and what time it is. */
  async hello({ node, request }: Asked<'hello'>): Promise<HelloReply> {
    const { store } = this.context;
    const record = await store.nodes.find(node);
    return {
      v: 1,
      nonce: request.nonce,
      now: new Date(await store.network.now()).toISOString(),
      ackedThrough: record?.ackedThrough ?? 0,
      ledger: record?.newestLedger ?? null,
      newestSeq: record?.newestSeq ?? 0,
    };
  }

  /** D5. Only of what the network delivers in a family that the node's assignments name, and only that artifact's own pieces. */
  async refill({ site, node, request }: Asked<'refill'>): Promise<RefillReply | { readonly refused: string }> {
    const { store } = this.context;
    const { family, manifest, chunks, nonce } = request;
    const desired = (await store.outbox.newest({ site, node }))?.state;
    const told =
      desired?.services.flatMap(({ assignment }) => (assignment === null ? [] : artifactsOf(assignment))) ?? [];
    const isTold = told.find((it) => it.family === family && it.manifest === manifest);
    // An older release's, which the node may still go back to.
    const ref = isTold ?? (await store.artifacts.find(family, manifest));
    if (ref === null || desired?.families.includes(family) !== true) return { refused: 'notYours' };
    const filled = await this.chunks.fillIn(ref, [manifest, ...chunks]);
    return { v: 1, nonce, filled, retryAfterMs: REFILL_AGAIN_MS };
  }

  private async committed(node: Name): Promise<number> {
    return (await this.context.store.nodes.ackedThrough(node)) ?? 0;
  }
}
