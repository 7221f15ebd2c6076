import type { Name } from './ids.ts';

// What a node sends on its NATS connections, as frames of the client protocol, and the closed list of those that carry
// nothing the agent composed (P1). Everything else that leaves must be a row of the ledger.

/** One message of the NATS client protocol. Subjects, replies and ids are as they stood on the wire. */
export type ClientFrame =
  | { readonly op: 'CONNECT'; readonly body: string }
  | { readonly op: 'PING' }
  | { readonly op: 'PONG' }
  | { readonly op: 'SUB'; readonly subject: string; readonly queue?: string; readonly sid: string }
  | { readonly op: 'UNSUB'; readonly sid: string; readonly max?: string }
  | { readonly op: 'PUB'; readonly subject: string; readonly reply?: string; readonly payload: Uint8Array }
  | {
      readonly op: 'HPUB';
      readonly subject: string;
      readonly reply?: string;
      /** The header block as sent, from `NATS/1.0` to its empty line. */
      readonly headers: string;
      readonly payload: Uint8Array;
    };

/** The head of an HTTP request without a body. */
export interface HttpFrame {
  readonly op: 'HTTP';
  readonly method: string;
  readonly path: string;
}

export interface NodeName {
  readonly site: Name;
  readonly node: Name;
}
