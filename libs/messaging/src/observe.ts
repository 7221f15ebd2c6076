import {
  composedFrame,
  matchTemplate,
  type ClientFrame,
  type ComposedFrame,
  type NodeName,
  type TemplateName,
} from '@openward/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import type { NatsConnectionImpl, Transport } from '@nats-io/nats-core/internal';
import { ClientStreamParser } from './wire.ts';

// What the ledger sees of a connection (P1): each frame that leaves, sorted into template, composed payload, or neither.

export type SentFrame =
  | { readonly template: TemplateName }
  | { readonly composed: ComposedFrame }
  /** Followed no template and was no report or call. It has left already: an alarm, and a row of its own. */
  | { readonly unknown: ClientFrame };

function sort(frame: ClientFrame, self: NodeName): SentFrame {
  const template = matchTemplate(frame, self);
  if (template !== null) return { template };
  const composed = composedFrame(frame, self);
  return composed === null ? { unknown: frame } : { composed };
}

function tap(transport: Transport, self: NodeName, onSent: (sent: SentFrame) => void): void {
  const parser = new ClientStreamParser();
  const send = transport.send.bind(transport);
  transport.send = (bytes) => {
    for (const frame of parser.push(bytes)) onSent(sort(frame, self));
    send(bytes);
  };
}

/**
 * Tells `onSent` of each frame that the connection sends from now on, also after it connected anew. The client has no hook
 * for this, so its transport is wrapped where the client puts it; `observe.nats.test.ts` fails when that place moves. The
 * frames of the first connect, CONNECT and PING, are told by `connectNode`.
 */
export function observeSent(nc: NatsConnection, self: NodeName, onSent: (sent: SentFrame) => void): void {
  const { protocol } = nc as NatsConnectionImpl;
  let transport: Transport = protocol.transport;
  tap(transport, self, onSent);
  Object.defineProperty(protocol, 'transport', {
    get: () => transport,
    set: (next: Transport) => {
      transport = next;
      tap(next, self, onSent);
    },
  });
}
