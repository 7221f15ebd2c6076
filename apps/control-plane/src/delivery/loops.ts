import { Inject, Injectable } from '@nestjs/common';
import { desiredSubject, type Log } from '@openward/contracts';
import { connectedNodes, putDesired, readDesired } from '@openward/messaging';
import { currentTraceparent, inSpan } from '@openward/observability';
import { listen } from '@openward/persistence';
import {
  runRelay,
  runTicks,
  type DesiredTransport,
  type RelayPorts,
  type RolloutStore,
  type Signer,
} from '@openward/rollout';
import { sealDocument } from '@openward/trust';
import { watchLinks, type WatchLinksPorts } from '../nodes/watch-links.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { Metrics } from '../process/metrics.ts';
import { ChunkPublisher } from './chunk-publisher.ts';
import { engineSettings } from './engine-settings.ts';
import { runHousekeeping } from './housekeeping.ts';
import { Provisioner } from './provisioner.ts';

/** Found at the latest after this long, where nobody told of it: a deadline, or what a dead replica left. */
const IDLE_MS = 1_000;
const AFTER_ERROR_MS = 1_000;
// A node whose relay was killed is not told again until the lease ends, so it is short; a put that outlives it only conflicts (D3).
const RELAY = { limit: 64, leaseMs: 8_000, idleMs: IDLE_MS, afterErrorMs: AFTER_ERROR_MS };

/** Well within the minute after which nobody knows any more. Costs no node a message. */
const LOOK_AT_LINKS_MS = 10_000;

/** What a replica does by itself, beside every other one and without a leader (R9). */
@Injectable()
export class Loops {
  readonly #ending = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(ChunkPublisher) private readonly chunks: ChunkPublisher,
    @Inject(Provisioner) private readonly provisioner: Provisioner,
  ) {}

  /** Resolves when what other replicas commit is heard, or could not be heard at once. */
  async start(): Promise<void> {
    const { store, config, log, wakes } = this.context;
    const { signal } = this.#ending;
    const { hearing, first } = this.hear(signal);
    const pace = { idleMs: IDLE_MS, afterErrorMs: AFTER_ERROR_MS };
    const ticking = runTicks(
      this.counted(store.rolloutStore),
      { timers: wakes.ticks, log },
      engineSettings(config),
      pace,
      signal,
    );
    const relaying = runRelay(this.relayPorts(log), RELAY, signal);
    const provisioning = this.provisioner.run(signal);
    const watching = watchLinks(this.watchedLinks(), LOOK_AT_LINKS_MS, signal);
    const keeping = runHousekeeping(this.context, signal);
    this.#running = Promise.all([hearing, ticking, relaying, provisioning, watching, keeping]);
    this.#running.catch((error: unknown) => log.error('a loop ended', { error }));
    await first;
  }

  private hear(signal: AbortSignal): { readonly hearing: Promise<void>; readonly first: Promise<void> } {
    const { config, log, wakes, events, timers } = this.context;
    const begun = Promise.withResolvers<void>();
    const wakeAll = (): void => {
      wakes.ticks.wake();
      wakes.relay.wake();
    };
    let isFirst = true;
    const hearing = listen(
      {
        url: config.database.url,
        timers,
        onEvent: (event) => {
          wakeAll();
          events.tell(event);
        },
        onListening: () => {
          wakeAll();
          if (!isFirst) events.lost();
          isFirst = false;
          begun.resolve();
        },
        onError: (error) => {
          log.warn('the database’s events are not heard', { error });
          isFirst = false;
          begun.resolve();
        },
      },
      signal,
    );
    return { hearing, first: begun.promise };
  }

  /** What was begun ends first. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('stopped'));
    await this.#running.catch(() => {});
    await this.chunks.stop();
  }

  private counted(store: RolloutStore): RolloutStore {
    return {
      ...store,
      turnDue: async (engine, turn) => {
        const done = await store.turnDue(engine, turn);
        if (done !== null) this.metrics.ticks.add(1);
        return done;
      },
    };
  }

  private watchedLinks(): WatchLinksPorts {
    const { links, authority, store, timers, log } = this.context;
    return {
      look: async () => [...(await connectedNodes(links.sys, authority)).keys()],
      saw: (seen) => store.nodeLinks.saw(seen),
      timers,
      log,
    };
  }

  private relayPorts(log: Log): RelayPorts {
    const { store, links, keys, wakes } = this.context;
    const signer: Signer = {
      sealDesired: (state) => Promise.resolve(sealDocument(desiredSubject(state.site, state.node), state, keys.signer)),
    };
    const transport: DesiredTransport = {
      put: (node, bytes, expected) =>
        inSpan('put desired state', async () => {
          const traceparent = currentTraceparent();
          const done = await putDesired(
            links.engine,
            node,
            bytes,
            expected,
            traceparent === undefined ? {} : { traceparent },
          );
          this.metrics.desiredPuts.add(1, { outcome: 'conflict' in done ? 'conflict' : 'put' });
          return 'conflict' in done ? { kind: 'conflict' } : { kind: 'put', revision: done.revision };
        }),
      revision: async (node) => (await readDesired(links.engine, node))?.revision ?? 0,
    };
    return { outbox: store.outbox, transport, signer, timers: wakes.relay, log };
  }
}
