import { type LinkEvent } from './link-events.ts';
import type { Msg, NatsConnection, Payload, RequestOptions } from '@nats-io/nats-core';

export interface LinkRequestOptions extends RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A connection that comes back by itself until it is closed. */
export interface Link {
  /** For what this library does not wrap. */
  readonly nc: NatsConnection;
  readonly isConnected: boolean;
  /**
   * Resolves at once when connected; rejects when the link is closed or `signal` aborts. Requests wait for it: one that is
   * made between a disconnect and the next connect is lost, and costs its whole timeout.
   */
  whenConnected(signal?: AbortSignal): Promise<void>;
  /**
   * As the client's own, for a link that comes and goes: waits for the connection first, within the request's time in all, and rejects as
   * soon as it is lost, where the client would wait out all its time for an answer that cannot come. What is aborted while it waits is
   * never sent.
   */
  request(subject: string, payload: Payload | undefined, options: LinkRequestOptions): Promise<Msg>;
  /** Returns what ends the listening. Listeners must not throw. */
  onEvent(listener: (event: LinkEvent) => void): () => void;
  /**
   * Connects anew with the credentials that the source gives now, without a restart; resolves when connected again. What is
   * in flight meanwhile may be lost: reports and calls are repeated by their owners.
   */
  renew(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
