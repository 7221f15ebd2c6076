import { Inject, Injectable } from '@nestjs/common';
import type { NodeName } from '@openward/contracts';
import { accountJwts, ensureAll, pushAccountClaims } from '@openward/messaging';
import { CONTEXT, type Context } from '../process/context.ts';
import { ChunkPublisher } from './chunk-publisher.ts';

const OFTEN_MS = 600_000;
const AFTER_ERROR_MS = 1_000;

/**
 * D5: whatever NATS lost is made again, from PostgreSQL and the artifact store. Account claims with all revocations first,
 * then streams and durables, then desired states, then the chunks of rollouts that run. At the start, after each reconnect, and
 * now and then. Nothing changes where nothing is missing.
 */
@Injectable()
export class Provisioner {
  #ring = new AbortController();

  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(ChunkPublisher) private readonly chunks: ChunkPublisher,
  ) {}

  /** Soon, since something may be missing. */
  again(): void {
    this.#ring.abort();
  }

  async pushClaims(): Promise<void> {
    const { store, links, authority } = this.context;
    const revocations = (await store.nodes.revokedKeys()).map(({ key, at }) => ({ userKey: key, at }));
    await pushAccountClaims(links.sys, await accountJwts(authority, revocations));
  }

  async provision(): Promise<void> {
    const { store, links, config, log, wakes } = this.context;
    await this.pushClaims();
    const { made, remade } = await ensureAll(links.engine, await this.enrolledNodes(), {
      chunkMaxBytes: config.nats.chunkCacheBytes,
      reportMaxBytes: config.nats.reportBytes,
    });
    if (made.length > 0 || remade.length > 0) {
      log.warn('made again in NATS', { made, remade });
      await store.network.offerAgain();
      wakes.relay.wake();
    }
    await this.chunks.publishRunning();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { links, log, timers } = this.context;
    const stop = links.engine.onEvent((event) => {
      if (event.type === 'connected') this.again();
    });
    while (!signal.aborted) {
      const ring = this.#ring.signal;
      await timers.sleep(OFTEN_MS, AbortSignal.any([signal, ring])).catch(() => {});
      if (signal.aborted) break;
      this.#ring = new AbortController();
      try {
        await this.provision();
      } catch (error) {
        log.error('NATS could not be brought up to date', { error });
        await timers.sleep(AFTER_ERROR_MS, signal).catch(() => {});
        this.again();
      }
    }
    stop();
  }

  private async enrolledNodes(): Promise<NodeName[]> {
    const found: NodeName[] = [];
    let after: string | undefined;
    do {
      const page = await this.context.store.nodes.list({ limit: 200, ...(after === undefined ? {} : { after }) });
      for (const { site, name, revokedAt } of page.items) if (revokedAt === null) found.push({ site, node: name });
      after = page.next ?? undefined;
    } while (after !== undefined);
    return found;
  }
}
