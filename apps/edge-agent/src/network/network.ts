import type { DesiredState, Log } from '@openward/contracts';
import type { SentFrame } from '@openward/messaging';
import type { SqliteLedger } from '@openward/persistence/node';
import {
  compareLedgers,
  createBell,
  runOutbox,
  type Bell,
  type DisclosureGate,
  type PrivacyPorts,
} from '@openward/privacy';
import type { AgentConfig } from '../config.ts';
import type { Online } from '../node/artifacts.ts';
import type { Enrolment, NodeKeys } from '../node/identity.ts';
import { createCalls } from './calls.ts';
import { keepCredentials, renewOverHttps } from './renewal.ts';
import { followDesired, openSession, reportTransport } from './session.ts';

const RETRY_MS = 5000;

export interface NetworkOptions {
  readonly config: AgentConfig;
  readonly keys: NodeKeys;
  readonly enrolment: Enrolment;
  readonly ports: PrivacyPorts;
  readonly gate: DisclosureGate;
  readonly bell: Bell;
  readonly ledger: SqliteLedger;
  readonly boot: string;
  readonly onSent: (sent: SentFrame) => void;
  readonly onDesired: (doc: DesiredState) => void;
  readonly isUp: (up: boolean) => Promise<void> | undefined;
}

/** P8: why nothing is sent; hospital IT clears it. */
export type LedgerAlarm = 'behind' | 'forked';

/** The node's side of the network: everything in it may fail for a month, and the clinic is served all the same. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #stop = new AbortController();
  readonly #online = Promise.withResolvers<Online>();
  readonly #log: Log;
  #isOnline: Online | null = null;
  #enrolment: Enrolment;
  readonly #renewal = createBell();
  #running: Promise<unknown> = Promise.resolve();
  ledgerAlarm: LedgerAlarm | null = null;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#enrolment = options.enrolment;
    this.#log = options.ports.log;
    this.#online.promise.catch(() => undefined);
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#log.error('network.ended', { error: String(error) });
    });
  }

  get isConnected(): boolean {
    return this.#isOnline?.session.control.isConnected ?? false;
  }

  get enrolment(): Enrolment {
    return this.#isOnline?.session.enrolment() ?? this.#enrolment;
  }

  /** Resolves when the node has been connected once; later breaks are the callers' to see. */
  online(signal: AbortSignal): Promise<Online> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#online.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#online.reject(new Error('the agent stops'));
    await this.#isOnline?.session.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { config, keys, gate, ports, onSent } = this.#options;
    await this.#renewIfExpired(signal);
    const session = await openSession({
      config,
      keys,
      enrolment: this.#enrolment,
      log: this.#log,
      onSent,
      onExpired: () => this.#renewal.ring(),
      signal,
    });
    const calls = createCalls({
      link: session.control,
      gate,
      ids: ports.ids,
      networkKeys: () => session.enrolment().keySet.keys,
    });
    this.#isOnline = { session, calls };
    await this.#hello(signal);
    this.#online.resolve(this.#isOnline);
    session.control.onEvent(({ type }) => void this.#options.isUp(type === 'connected')?.catch(() => undefined));
    await this.#options.isUp(true);
    await Promise.all([
      followDesired(session, this.#log, (doc) => this.#take(doc), signal),
      this.ledgerAlarm === null
        ? runOutbox(ports, reportTransport(session, calls), this.#options.bell, signal)
        : undefined,
      keepCredentials(
        {
          timers: ports.timers,
          wall: () => ports.clock.wall(),
          random: () => Math.random(),
          log: this.#log,
          ids: ports.ids,
          gate,
          calls,
          keys,
          enrolment: () => session.enrolment(),
          adopt: (credentials, links) => session.adopt(credentials, links),
        },
        (stop) => this.#renewal.wait(stop),
        signal,
      ),
    ]);
  }

  /** A family that the bulk credentials do not reach asks for new ones at once (D2). */
  #take(doc: DesiredState): void {
    const reached = new Set(this.enrolment.credentials.families);
    if (doc.families.some((family) => !reached.has(family))) this.#renewal.ring();
    this.#options.onDesired(doc);
  }

  /** P8: a ledger that is behind what the network accepted was restored from a snapshot, and nothing more is sent. */
  async #hello(signal: AbortSignal): Promise<void> {
    const { ledger, boot, ports } = this.#options;
    for (;;) {
      try {
        const online = this.#isOnline;
        if (online === null) return;
        const [head, lastSeq] = [await ledger.head(), await ledger.newestReport()];
        const reply = await online.calls.call('hello', { boot, lastSeq, ledger: head });
        const compared = compareLedgers(reply.ledger, head, (seq) => ledger.headAt(seq));
        this.ledgerAlarm = compared === 'behind' || compared === 'forked' ? compared : null;
        if (reply.newestSeq > lastSeq) this.ledgerAlarm = 'behind';
        if (this.ledgerAlarm !== null)
          this.#log.error('ledger.restored', { compared: this.ledgerAlarm, next: 'run `openward node doctor`' });
        else await ledger.acknowledge(reply.ackedThrough);
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#log.warn('hello.failed', { error: String(error), retryMs: RETRY_MS });
        await ports.timers.sleep(RETRY_MS, signal);
      }
    }
  }

  /** K3: away for longer than its credentials, the node gets new ones over HTTPS before it tries NATS. */
  async #renewIfExpired(signal: AbortSignal): Promise<void> {
    const { keys, gate, ports } = this.#options;
    while (Date.parse(this.#enrolment.credentials.expiresAt) <= ports.clock.wall()) {
      signal.throwIfAborted();
      try {
        const question = { control: keys.control.publicKey, bulk: keys.bulk.publicKey };
        const credentials = await renewOverHttps(
          { enrolment: () => this.#enrolment, gate, ids: ports.ids, wall: () => ports.clock.wall(), log: this.#log },
          question,
        );
        this.#enrolment = { ...this.#enrolment, credentials };
      } catch (error) {
        this.#log.warn('credentials.renewFailed', { error: String(error), retryMs: RETRY_MS });
        await ports.timers.sleep(RETRY_MS, signal);
      }
    }
  }
}
