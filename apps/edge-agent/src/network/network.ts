import type { Credentials, DesiredState, LedgerHead, Log, Random } from '@openward/contracts';
import { chanceOf, type LinkEvent, type SentFrame } from '@openward/messaging';
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
import { writeEnrolment, type Enrolment, type NodeKeys } from '../node/identity.ts';
import { createCalls } from './calls.ts';
import { UnknownKey } from './enrol.ts';
import { createKeySets, fetchKeySets, type KeySets } from './key-sets.ts';
import { keepCredentials, renewOverHttps } from './renewal.ts';
import { followDesired, openSession, reportTransport } from './session.ts';

const RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60_000;

export interface NetworkOptions {
  readonly config: AgentConfig;
  readonly keys: NodeKeys;
  readonly enrolment: Enrolment;
  readonly ports: PrivacyPorts & { readonly random: Random };
  readonly gate: DisclosureGate;
  readonly bell: Bell;
  readonly ledger: SqliteLedger;
  readonly boot: string;
  readonly onSent: (sent: SentFrame) => void;
  readonly onDesired: (doc: DesiredState) => void;
  readonly isUp: (up: boolean) => Promise<void> | undefined;
  readonly line?: Line;
}

/** What touches the wire itself. */
export interface Line {
  readonly open: typeof openSession;
  readonly follow: typeof followDesired;
  readonly overHttps: typeof renewOverHttps;
  readonly keySets: typeof fetchKeySets;
}
const REAL_LINE: Line = {
  open: openSession,
  follow: followDesired,
  overHttps: renewOverHttps,
  keySets: fetchKeySets,
};

/** P8: why nothing is sent; hospital IT clears it. */
export type LedgerAlarm = 'behind' | 'forked';

/** What the network holds that this node does not. */
interface Restored {
  readonly alarm: LedgerAlarm;
  readonly accepted: LedgerHead | null;
  readonly newestSeq: number;
}

/** The node's side of the network: everything in it may fail for a month, and the clinic is served all the same. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #stop = new AbortController();
  readonly #log: Log;
  readonly #renewal = createBell();
  readonly #keySets: KeySets;
  /** Links whose newest credentials the server would not have, whatever the clock here says of them. */
  readonly #refused = new Set<'control' | 'bulk'>();
  #online = newOnline();
  #current: Online | null = null;
  #enrolment: Enrolment;
  #running: Promise<unknown> = Promise.resolve();
  #restored: Restored | null = null;
  #cleared = Promise.withResolvers<void>();

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#enrolment = options.enrolment;
    this.#log = options.ports.log;
    const { ports, onSent, line = REAL_LINE } = options;
    this.#keySets = createKeySets({
      enrolment: () => this.#enrolment,
      keep: (keySet) => this.#write({ ...this.#enrolment, keySet }),
      fetchSets: () => line.keySets(this.#enrolment, ports.clock.wall(), () => onSent({ template: 'httpKeySets' })),
      timers: ports.timers,
      log: this.#log,
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  get isConnected(): boolean {
    return this.#current?.session.control.isConnected ?? false;
  }

  get maySend(): boolean {
    return this.isConnected && this.#restored === null;
  }

  get ledgerAlarm(): LedgerAlarm | null {
    return this.#restored?.alarm ?? null;
  }

  get enrolment(): Enrolment {
    return this.#enrolment;
  }

  /** Resolves when the node has been connected once, and may send (P8); later breaks are the callers' to see. */
  online(signal: AbortSignal): Promise<Online> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#online.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  /** P8: a person here has seen that a snapshot was restored. What is sent from now on is above all that the network has. */
  acknowledgeLedger(reason: string): 'done' | 'noAlarm' {
    if (this.#restored === null) return 'noAlarm';
    const { alarm, accepted, newestSeq } = this.#restored;
    const at = this.#options.ports.clock.wall();
    this.#options.ledger.acknowledgeRestore({ alarm, reason, accepted, raisedTo: newestSeq, at });
    this.#log.warn('ledger.restoreAcknowledged', { alarm, raisedTo: newestSeq });
    this.#restored = null;
    this.#cleared.resolve();
    return 'done';
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#online.reject(new Error('the agent stops'));
    await this.#running;
  }

  /** An error that nobody foresaw ends one session, never the node's side of the network. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { timers, clock } = this.#options.ports;
    let wait = RETRY_MS;
    while (!signal.aborted) {
      const began = clock.monotonic();
      try {
        await this.#live(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (clock.monotonic() - began > LONGEST_RETRY_MS) wait = RETRY_MS;
        this.#log.error('network.sessionEnded', { error: String(error), retryMs: wait });
      }
      await timers.sleep(wait, signal).catch(() => undefined);
      wait = Math.min(wait * 2, LONGEST_RETRY_MS);
    }
  }

  /** One session, from before it is open until something in it fails. */
  async #live(stop: AbortSignal): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([stop, end.signal]);
    const tasks = [this.#keepCredentials(signal), this.#converse(signal)];
    try {
      await Promise.all(tasks);
    } finally {
      end.abort();
      const session = this.#current?.session;
      this.#current = null;
      if (this.#online.isResolved) this.#online = newOnline();
      await session?.close();
      await Promise.allSettled(tasks);
    }
  }

  async #converse(signal: AbortSignal): Promise<void> {
    const { config, keys, gate, ports, onSent, line = REAL_LINE } = this.#options;
    const session = await line.open({
      config,
      keys,
      enrolment: () => this.#enrolment,
      keep: (credentials) => this.#keep(credentials),
      log: this.#log,
      onSent,
      onEvent: (link, event) => this.#heed(link, event),
      signal,
      random: ports.random,
    });
    if (signal.aborted) return session.close();
    const calls = createCalls({ link: session.control, gate, ids: ports.ids, keySets: this.#keySets, signal });
    const online = { session, calls };
    this.#current = online;
    if (this.#restored === null) await this.#hello(online, signal);
    // A recall reaches a node that sends nothing, too.
    await Promise.race([
      line.follow(session, this.#log, (doc) => this.#take(doc), this.#keySets, signal),
      this.#report(online, signal),
    ]);
    signal.throwIfAborted();
    throw new Error('what follows the network has ended');
  }

  async #report(online: Online, signal: AbortSignal): Promise<void> {
    const { ports, bell, isUp } = this.#options;
    await this.#whenCleared(signal);
    const { session, calls } = online;
    const tell = async (up: boolean): Promise<void> => {
      try {
        await isUp(up);
      } catch (error) {
        this.#log.warn('network.stateNotSent', { error: String(error) });
      }
    };
    this.#online.resolve(online);
    session.control.onEvent(({ type }) => void tell(type === 'connected'));
    await tell(true);
    await runOutbox(ports, reportTransport(session, calls), bell, signal);
  }

  /** A family that the bulk credentials do not reach asks for new ones at once (D2). */
  #take(doc: DesiredState): void {
    const reached = new Set(this.#enrolment.credentials.families);
    if (doc.families.some((family) => !reached.has(family))) this.#renewal.ring();
    this.#options.onDesired(doc);
  }

  #heed(link: 'control' | 'bulk', { type }: LinkEvent): void {
    if (type === 'connected') this.#refused.delete(link);
    if (type !== 'expired' && type !== 'refused') return;
    this.#refused.add(link);
    this.#renewal.ring();
  }

  #keep(credentials: Credentials): void {
    this.#write({ ...this.#enrolment, credentials });
    this.#refused.clear();
  }

  #write(enrolment: Enrolment): void {
    this.#enrolment = enrolment;
    writeEnrolment(this.#options.config.dataDir, enrolment);
  }

  /** Beside everything else, also beside a first connection that is refused: nothing that waits for it may keep it waiting (K3). */
  #keepCredentials(signal: AbortSignal): Promise<void> {
    const { keys, gate, ports, line = REAL_LINE } = this.#options;
    const question = { control: keys.control.publicKey, bulk: keys.bulk.publicKey };
    return keepCredentials(
      {
        timers: ports.timers,
        clock: ports.clock,
        random: () => chanceOf(ports.random),
        log: this.#log,
        credentials: () => this.#enrolment.credentials,
        isRefused: () => this.#refused.size > 0,
        isConnected: () => this.isConnected && this.#current?.session.bulk.isConnected === true,
        overNats: async () => {
          await this.#whenCleared(signal);
          if (this.#current === null) throw new Error('not connected');
          return (await this.#current.calls.call('renew', question)).credentials;
        },
        overHttps: async () => {
          await this.#whenCleared(signal);
          const wall = () => ports.clock.wall();
          try {
            return await line.overHttps(
              { enrolment: () => this.#enrolment, gate, ids: ports.ids, wall, log: this.#log },
              question,
            );
          } catch (error) {
            if (error instanceof UnknownKey) this.#keySets.newer(signal).catch(() => undefined);
            throw error;
          }
        },
        adopt: async (credentials, links) => {
          if (this.#current === null) this.#keep(credentials);
          else await this.#current.session.adopt(credentials, links);
        },
      },
      (stop) => this.#renewal.wait(stop),
      signal,
    );
  }

  /** P8: resolves at once where there is no alarm. */
  #whenCleared(signal: AbortSignal): Promise<void> {
    if (this.#restored === null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      void this.#cleared.promise.then(resolve).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  /** P8: a ledger that is behind what the network accepted was restored from a snapshot, and nothing more is sent. */
  async #hello({ calls }: Online, signal: AbortSignal): Promise<void> {
    const { ledger, boot, ports } = this.#options;
    for (let wait = RETRY_MS; ; wait = Math.min(wait * 2, LONGEST_RETRY_MS)) {
      try {
        const [head, lastSeq] = [await ledger.head(), await ledger.newestReport()];
        const reply = await calls.call('hello', { boot, lastSeq, ledger: head });
        const compared = compareLedgers(reply.ledger, head, (seq) => ledger.headAt(seq));
        const isOld = compared === 'behind' || compared === 'forked';
        if (!isOld && reply.newestSeq <= lastSeq) return await ledger.acknowledge(reply.ackedThrough);
        // Until a report above the network's newest has come there, the network tells again what a person here has seen.
        if (reply.newestSeq <= lastSeq && ledger.isRestoreAcknowledged(reply.ledger)) return;
        const alarm = compared === 'forked' ? 'forked' : 'behind';
        this.#cleared = Promise.withResolvers();
        this.#restored = { alarm, accepted: reply.ledger, newestSeq: reply.newestSeq };
        this.#log.error('ledger.restored', { compared: alarm, next: 'run `openward node doctor`' });
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#log.warn('hello.failed', { error: String(error), retryMs: wait });
        await ports.timers.sleep(wait, signal);
      }
    }
  }
}

/** A promise of the next session that may send. */
function newOnline() {
  const { promise, resolve, reject } = Promise.withResolvers<Online>();
  // Nobody may be waiting for a session that never comes.
  promise.catch(() => undefined);
  const online = {
    promise,
    reject,
    isResolved: false,
    resolve(value: Online): void {
      online.isResolved = true;
      resolve(value);
    },
  };
  return online;
}
