import { inboxPrefix, type Name, type NodeName, type Random } from '@openward/contracts';
import type { UserCredentials } from './authority.ts';
import { dial, type LinkSettings } from './connect.ts';
import type { LinkEvent } from './link-events.ts';
import type { Link } from './link.ts';
import { observeSent, type SentFrame } from './observe.ts';
import { type GiveBack, joinMessages } from './whole-messages.ts';

export interface NodeLink extends Link {
  readonly site: Name;
  readonly node: Name;
  /** Chunks come over a connection of their own, so that they never stand before a control message. */
  readonly kind: 'control' | 'bulk';
  /** Of a bulk link: makes room for the next chunk. Of a control link nothing comes of it. */
  readonly giveBack: GiveBack;
  /** For the waits between tries, so that a thousand nodes do not try at once. */
  readonly random: Random;
}

export interface NodeLinkOptions extends NodeName {
  readonly kind: 'control' | 'bulk';
  readonly urls: readonly string[];
  /** PEM. Given, the link speaks TLS and trusts this authority alone; it sends nothing to a server without TLS. */
  readonly ca?: string | null;
  readonly clientCert?: { readonly cert: string; readonly key: string };
  /** Read at each connect, so that renewed ones are used from then on. */
  readonly credentials: () => UserCredentials;
  readonly settings?: Partial<LinkSettings>;
  /** Told of attempts before the first connection too. Must not throw. */
  readonly onEvent?: (event: LinkEvent) => void;
  /** Told of each frame that leaves, for the ledger (P1), in order, as it is handed to the socket. Must not throw. */
  readonly onSent?: (sent: SentFrame) => void;
  readonly signal?: AbortSignal;
  readonly random: Random;
}

/** Resolves when the first connection stands; goes on trying until then, or rejects when `signal` aborts. */
export async function connectNode(options: NodeLinkOptions): Promise<NodeLink> {
  const { site, node, kind, onSent, random } = options;
  // Until the connection stands nothing can watch it; each attempt that reads the credentials sends these two.
  let isObserved = false;
  const credentials = (): UserCredentials => {
    if (!isObserved) {
      onSent?.({ template: 'connect' });
      onSent?.({ template: 'ping' });
    }
    return options.credentials();
  };
  const link = await dial({ ...options, credentials, name: node, inboxPrefix: inboxPrefix(site, node, kind) });
  const giveBack = kind === 'bulk' ? joinMessages(link.nc) : () => {};
  if (onSent) observeSent(link.nc, { site, node }, onSent);
  isObserved = true;
  return Object.assign(link, { site, node, kind, giveBack, random });
}
