import { setTimeout as pause } from 'node:timers/promises';
import { DESIRED_STREAM, desiredSubject } from '@openward/contracts';
import { jetstream, type ConsumerInfo, type ConsumerMessages } from '@nats-io/jetstream';
import { RequestError, errors, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { chanceOf } from './connect.ts';
import type { NodeLink } from './connect-node.ts';
import type { DesiredFrame } from './desired.ts';
import { Newest } from './newest.ts';
import { traceOf } from './trace.ts';

// A node's own key of the bucket, pushed to it by a pull consumer that the control plane made: a pull stays open at the
// server for two minutes and costs 2.5 messages a minute. After a reconnect pulls are made anew from a new inbox: behind the
// service import the server still delivers into older ones, and what they swallow would come again only after the ack's time.

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** How often the key is read besides, should a delivery ever be lost: two messages each time. */
  readonly rereadMs?: number;
  /** How long one pull stays open. */
  readonly pullMs?: number;
  /** How long the server has to answer: across accounts, one of 2.9 says nothing of a durable that is missing. */
  readonly probeMs?: number;
  /** The longest wait between two tries when the durable is missing. */
  readonly retryMs?: number;
  /** The durable or the stream is missing: ask for a refill (D5). Once for each time that it is found missing. */
  readonly onMissing?: () => void;
  /** Why it has to try again, each time; not told of what is missing. */
  readonly onError?: (error: unknown) => void;
}

const FIRST_RETRY_MS = 250;
/**
 * The key is read again this soon after a connection stands, and then every `rereadMs`. A pull that the server forgot says
 * nothing for a minute, and what is put while a node comes up is what it must not miss.
 */
const EARLY_REREADS_MS: readonly number[] = [2_000, 8_000, 30_000];
const PROBE = '{"batch":1,"no_wait":true}';

class Missing extends Error {}

class DesiredWatch {
  readonly #link: NodeLink;
  readonly #options: Required<WatchOptions>;
  readonly newest = new Newest<DesiredFrame>();
  #last: DesiredFrame | null = null;
  /** Revisions order frames within one connection only. */
  #isFirstOfConnection = true;
  #isMissing = false;
  #retries = 0;

  constructor(link: NodeLink, options: Required<WatchOptions>) {
    this.#link = link;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal, retryMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#link.whenConnected(signal);
        this.#isFirstOfConnection = true;
        await this.#followConnection();
      } catch (error) {
        if (signal.aborted) return;
        if (this.#link.nc.isClosed()) return this.newest.fail(error);
        if (error instanceof Missing) this.#foundMissing();
        else this.#options.onError(error);
        const wait = Math.min(retryMs, FIRST_RETRY_MS * 2 ** this.#retries++);
        await pause(wait / 2 + (chanceOf(this.#link.random) * wait) / 2, undefined, { signal }).catch(() => {});
      }
    }
  }

  #foundMissing(): void {
    if (!this.#isMissing) this.#options.onMissing();
    this.#isMissing = true;
  }

  #foundThere(): void {
    this.#isMissing = false;
    this.#retries = 0;
  }

  /** Whether it is news. */
  #accept(frame: DesiredFrame): boolean {
    const last = this.#last;
    if (last !== null && !this.#isFirstOfConnection && frame.revision <= last.revision) return false;
    this.#isFirstOfConnection = false;
    if (last?.revision === frame.revision && Buffer.compare(last.frame, frame.frame) === 0) return false;
    this.#last = frame;
    this.newest.put(frame);
    return true;
  }

  /** Returns when the connection is lost or the watch ends; throws when the durable is missing. */
  async #followConnection(): Promise<void> {
    const { signal, rereadMs } = this.#options;
    await this.#probe();
    const messages = await this.#pull();
    let isMissing = false;
    const stop = (): void => messages.stop();
    const stopListening = this.#link.onEvent(({ type }) => {
      if (type === 'disconnected' || type === 'closed') stop();
    });
    signal.addEventListener('abort', stop);
    if (signal.aborted || !this.#link.isConnected) stop();
    // News that only a later reading brought was not delivered: the pull is dead, and a new one takes its place.
    const rereadLater = (): void =>
      void this.#reread().then(
        (isNews) => isNews && stop(),
        // It is read again in its turn, and a connection that is dead is found out by its pings.
        () => {},
      );
    const early = EARLY_REREADS_MS.map((ms) => setTimeout(rereadLater, ms));
    const rereading = setInterval(rereadLater, rereadMs);
    const watching = this.#watchStatus(messages, () => {
      isMissing = true;
      stop();
    });
    try {
      // Not waited for: when the connection is lost, its answer never comes.
      void this.#reread().catch((error: unknown) => {
        isMissing ||= error instanceof Missing;
        stop();
      });
      for await (const message of messages) {
        if (!isRemoval(message.headers))
          this.#accept({ frame: message.data, revision: message.info.streamSequence, ...traceOf(message) });
        message.ack();
      }
    } catch (error) {
      // `abort_on_missing_resource` ends the iteration so when the durable is deleted under it.
      throw new Missing('the durable is gone', { cause: error });
    } finally {
      clearInterval(rereading);
      for (const timer of early) clearTimeout(timer);
      stopListening();
      signal.removeEventListener('abort', stop);
      stop();
      await watching;
    }
    if (isMissing) throw new Missing('the durable is missing');
  }

  /** Asks the durable for what it has now, since a pull from one that is missing may go unanswered for ever. */
  async #probe(): Promise<void> {
    const { node, nc } = this.#link;
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.${node}`;
    // `noMux`: a message comes with its own subject, by which the client's shared inbox would not know it.
    const message = await this.#ask(subject, PROBE, { noMux: true }).catch((error: unknown) => {
      throw error instanceof errors.TimeoutError ? new Missing('the durable does not answer', { cause: error }) : error;
    });
    this.#foundThere();
    // Without a status it is a message, whose reply subject has its sequence: $JS.ACK.<stream>.<durable>.<deliveries>.<sequence>.
    if (message.headers?.code || message.reply === undefined) return;
    const revision = Number(message.reply.split('.')[5]);
    if (!isRemoval(message.headers)) this.#accept({ frame: message.data, revision, ...traceOf(message) });
    nc.publish(message.reply, '+ACK');
  }

  #pull(): Promise<ConsumerMessages> {
    const { node, nc } = this.#link;
    const consumer = jetstream(nc).consumers.getConsumerFromInfo({
      stream_name: DESIRED_STREAM,
      name: node,
      config: { durable_name: node, ack_policy: 'explicit' },
    } as ConsumerInfo);
    // `bind`: no CONSUMER.INFO, to which a node has no right, and without whose answer the client stalls. The threshold keeps
    // one pull open at a time.
    return consumer.consume({
      bind: true,
      max_messages: 4,
      threshold_messages: 1,
      expires: this.#options.pullMs,
      abort_on_missing_resource: true,
    });
  }

  async #watchStatus(messages: ConsumerMessages, onMissing: () => void): Promise<void> {
    for await (const status of messages.status()) {
      if (status.type === 'no_responders') onMissing();
      // The pull is dead; the next probe tells whether the durable is.
      if (status.type === 'heartbeats_missed') messages.stop();
    }
  }

  /** Rejects at once when the watch ends or the connection does, after which no answer comes. */
  async #ask(subject: string, body: string, options: { noMux?: boolean } = {}): Promise<Msg> {
    const { signal, probeMs } = this.#options;
    let giveUp: () => void = () => {};
    const given = new Promise<never>((_, reject) => {
      giveUp = () => reject(new Error('nobody waits for the answer'));
    });
    const stopListening = this.#link.onEvent(({ type }) => {
      if (type === 'disconnected' || type === 'closed') giveUp();
    });
    signal.addEventListener('abort', giveUp);
    try {
      return await Promise.race([this.#link.nc.request(subject, body, { timeout: probeMs, ...options }), given]);
    } catch (error) {
      const isMissing = error instanceof RequestError && error.isNoResponders();
      throw isMissing ? new Missing('the stream or the durable is missing', { cause: error }) : error;
    } finally {
      stopListening();
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Whether it brought news. */
  async #reread(): Promise<boolean> {
    const { site, node } = this.#link;
    const message = await this.#ask(`$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject(site, node)}`, '');
    // 404: nothing was put for this node yet.
    if (message.headers?.code || isRemoval(message.headers)) return false;
    const revision = Number(message.headers?.get('Nats-Sequence'));
    return this.#accept({ frame: message.data, revision, ...traceOf(message) });
  }
}

const isRemoval = (headers: MsgHdrs | undefined): boolean => (headers?.get('KV-Operation') ?? '') !== '';

/**
 * The newest desired state that was not taken yet; one that a newer overtook is never seen. Ends when `signal` aborts, throws
 * when the link is closed. Frames are as they came: check the seal, then the generation.
 */
export async function* watchDesired(link: NodeLink, options: WatchOptions): AsyncGenerator<DesiredFrame, void> {
  const { signal } = options;
  const ended = new AbortController();
  const watch = new DesiredWatch(link, {
    rereadMs: 600_000,
    pullMs: 120_000,
    probeMs: 5_000,
    retryMs: 10_000,
    onMissing: () => {},
    onError: () => {},
    ...options,
    signal: AbortSignal.any([signal, ended.signal]),
  });
  const running = watch.run().then(
    () => watch.newest.fail(new Error('the watch has ended')),
    (error: unknown) => watch.newest.fail(error),
  );
  try {
    for (;;) yield await watch.newest.take();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    await running;
  }
}
