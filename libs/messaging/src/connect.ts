import { setTimeout as pause } from 'node:timers/promises';
import { connect, jwtAuthenticator, type NodeConnectionOptions } from '@nats-io/transport-node';
import type { Random } from '@openward/contracts';
import type { Authenticator, Msg, NatsConnection, Payload, RequestOptions, TlsOptions } from '@nats-io/nats-core';
import type { UserCredentials } from './authority.ts';
import { eventOfError, eventOfStatus, type LinkEvent } from './link-events.ts';
import type { Link, LinkRequestOptions } from './link.ts';
import { identityCheck } from './server-identity.ts';

export interface LinkSettings {
  readonly reconnectWaitMs: number;
  /** Added to each wait, from none to all of it, so that a thousand nodes do not come back at once. */
  readonly jitterMs: number;
  /** A link that went dead without a word is noticed after `maxPingOut` pings that were not answered. */
  readonly pingIntervalMs: number;
  readonly maxPingOut: number;
  readonly timeoutMs: number;
}

export const LINK_SETTINGS: LinkSettings = {
  reconnectWaitMs: 2_000,
  jitterMs: 2_000,
  pingIntervalMs: 20_000,
  maxPingOut: 2,
  timeoutMs: 10_000,
};

export interface DialOptions {
  readonly name: string;
  readonly urls: readonly string[];
  /** PEM. Given, the link speaks TLS and trusts this authority alone; it sends nothing to a server without TLS. */
  readonly ca?: string | null;
  readonly clientCert?: { readonly cert: string; readonly key: string };
  readonly inboxPrefix: string;
  /** Read at each connect, so that renewed ones are used from then on. */
  readonly credentials: () => UserCredentials;
  readonly settings?: Partial<LinkSettings>;
  readonly onEvent?: (event: LinkEvent) => void;
  readonly signal?: AbortSignal;
  /** For the jitter of the first connection; the NATS client jitters the later ones by itself. */
  readonly random: Random;
}

/** From 0 to 1, and never 1. */
export const chanceOf = (random: Random): number => random.bytes(1)[0]! / 256;

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** An authenticator that throws would close the connection for good; without credentials the server refuses, and it goes on. */
function authenticator(credentials: () => UserCredentials, report: (error: Error) => void): Authenticator {
  return (nonce) => {
    try {
      const { jwt, seed } = credentials();
      return jwtAuthenticator(jwt, new TextEncoder().encode(seed))(nonce);
    } catch (error) {
      report(asError(error));
      return undefined;
    }
  };
}

class OpenLink implements Link {
  readonly nc: NatsConnection;
  #connected = true;
  #closing = false;
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  /** Of requests that are under way: what rejects them. */
  readonly #underWay = new Set<(error: Error) => void>();

  constructor(nc: NatsConnection, onEvent: ((event: LinkEvent) => void) | undefined) {
    this.nc = nc;
    if (onEvent) this.#listeners.add(onEvent);
    void this.#follow();
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  async #follow(): Promise<void> {
    this.#tell({ type: 'connected', server: this.nc.getServer() });
    for await (const status of this.nc.status()) {
      const event = eventOfStatus(status);
      if (event !== null) this.#tell(event);
    }
    const error = await this.nc.closed();
    this.#tell({ type: 'closed', ...(error ? { error } : {}) });
  }

  #tell(event: LinkEvent): void {
    if (event.type === 'connected') this.#connected = true;
    if (event.type === 'disconnected' || event.type === 'closed') {
      this.#connected = false;
      for (const reject of this.#underWay) reject(new Error('the connection was lost'));
    }
    for (const listener of this.#listeners) listener(event);
  }

  onEvent(listener: (event: LinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  whenConnected(signal?: AbortSignal): Promise<void> {
    return this.#connected ? Promise.resolve() : this.#nextConnect(signal);
  }

  #nextConnect(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        stopListening();
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void => settle(() => reject(asError(signal?.reason)));
      const stopListening = this.onEvent((event) => {
        if (event.type === 'connected') settle(resolve);
        if (event.type === 'closed') settle(() => reject(event.error ?? new Error('the link is closed')));
      });
      if (this.#closing || this.nc.isClosed()) settle(() => reject(new Error('the link is closed')));
      else if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort);
    });
  }

  async request(subject: string, payload: Payload | undefined, options: LinkRequestOptions): Promise<Msg> {
    const { signal, timeout } = options;
    signal?.throwIfAborted();
    if (this.#connected) return this.#ask(subject, payload, options);
    const began = performance.now();
    const late = AbortSignal.timeout(Math.ceil(timeout));
    await this.#nextConnect(signal ? AbortSignal.any([late, signal]) : late);
    const left = Math.max(1, timeout - (performance.now() - began));
    return this.#ask(subject, payload, { ...options, timeout: left });
  }

  #ask(subject: string, payload: Payload | undefined, options: RequestOptions): Promise<Msg> {
    return new Promise((resolve, reject) => {
      this.#underWay.add(reject);
      const leave = (): void => void this.#underWay.delete(reject);
      this.nc.request(subject, payload, options).then(resolve, reject).finally(leave);
    });
  }

  async renew(signal?: AbortSignal): Promise<void> {
    // A link that is down is dialling already, with what the source gives.
    if (!this.#connected) return this.#nextConnect(signal);
    const again = this.#nextConnect(signal);
    await this.nc.reconnect();
    return again;
  }

  close(): Promise<void> {
    // The client takes requests for a moment more, and forgets them.
    this.#closing = true;
    this.#connected = false;
    return this.nc.close();
  }
}

/** The client hands them to Node as they are, and declares but a few of them. */
const tlsOptions = (ca: string, { clientCert, urls }: DialOptions): TlsOptions =>
  ({ ca, ...clientCert, checkServerIdentity: identityCheck(urls) }) as TlsOptions;

/** Dials until a server takes the credentials, or rejects with the reason when `signal` aborts; from then on the client comes back by itself. */
export async function dial(options: DialOptions): Promise<Link> {
  const settings = { ...LINK_SETTINGS, ...options.settings };
  const tell = options.onEvent ?? (() => {});
  const clientOptions: NodeConnectionOptions = {
    servers: [...options.urls],
    name: options.name,
    inboxPrefix: options.inboxPrefix,
    authenticator: authenticator(options.credentials, (error) => tell({ type: 'error', error })),
    // Left out where there is no authority: null would throw.
    ...(options.ca ? { tls: tlsOptions(options.ca, options) } : {}),
    maxReconnectAttempts: -1,
    reconnectTimeWait: settings.reconnectWaitMs,
    reconnectJitter: settings.jitterMs,
    reconnectJitterTLS: settings.jitterMs,
    pingInterval: settings.pingIntervalMs,
    maxPingOut: settings.maxPingOut,
    timeout: settings.timeoutMs,
    // Credentials that were refused may be renewed meanwhile; the client's default is to close for good.
    ignoreAuthErrorAbort: true,
    // A server behind a proxy tells addresses that go round it.
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
  };
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const nc = await connect(clientOptions);
      if (options.signal?.aborted) await nc.close();
      else return new OpenLink(nc, options.onEvent);
    } catch (error) {
      tell(eventOfError(asError(error)));
      const wait = settings.reconnectWaitMs + chanceOf(options.random) * settings.jitterMs;
      await pause(wait, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {});
    }
  }
}
