import {
  DesiredState,
  desiredSubject,
  PROTOCOL,
  type Credentials,
  type Log,
  type Name,
  type Random,
} from '@openward/contracts';
import {
  connectNode,
  LINK_SETTINGS,
  publishReport,
  watchDesired,
  type LinkEvent,
  type NodeLink,
  type SentFrame,
} from '@openward/messaging';
import type { ReportTransport } from '@openward/privacy';
import { openDocument, type FrameRefusal } from '@openward/trust';
import { createHash } from 'node:crypto';
import type { AgentConfig } from '../config.ts';
import type { Enrolment, NodeKeys } from '../node/identity.ts';
import type { Calls } from './calls.ts';
import type { KeySets } from './key-sets.ts';

export interface Session {
  readonly control: NodeLink;
  readonly bulk: NodeLink;
  readonly enrolment: () => Enrolment;
  /** Keeps them, durably, and connects anew with them: the bulk link alone where only its rights have grown. */
  adopt(credentials: Credentials, links: 'both' | 'bulk'): Promise<void>;
  /** Resolves when the bulk credentials reach this family (D2); before that a request for its chunks would go unheard. */
  reaches(family: Name, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

type LinkKind = NodeLink['kind'];

/** How long new credentials wait for the connection that uses them. */
const ANEW_MS = 30_000;

/** A link that is down dials already, and reads the new credentials when it next tries: nobody waits for it, maybe for a month. */
async function connectAnew(link: NodeLink, log: Log): Promise<void> {
  if (!link.isConnected) return;
  try {
    await link.renew(AbortSignal.timeout(ANEW_MS));
  } catch (error) {
    log.warn('link.notYetAnew', { link: link.kind, error: String(error) });
  }
}

/** Both or none: where one cannot be had, the other is closed. */
async function bothOf(control: Promise<NodeLink>, bulk: Promise<NodeLink>): Promise<readonly [NodeLink, NodeLink]> {
  try {
    return await Promise.all([control, bulk]);
  } catch (error) {
    for (const link of await Promise.allSettled([control, bulk]))
      if (link.status === 'fulfilled') await link.value.close();
    throw error;
  }
}

/** Two connections, both outbound: control, and bulk for chunks. They come up when they can; nothing waits for them. */
export async function openSession(options: {
  readonly config: AgentConfig;
  readonly keys: NodeKeys;
  /** Read at each connect: credentials that are renewed while the first one is still tried are used by the next try. */
  readonly enrolment: () => Enrolment;
  /** Keeps them, durably. */
  readonly keep: (credentials: Credentials) => void;
  readonly log: Log;
  readonly onSent: (sent: SentFrame) => void;
  readonly onEvent: (link: LinkKind, event: LinkEvent) => void;
  readonly signal: AbortSignal;
  readonly random: Random;
}): Promise<Session> {
  const { config, keys, log, enrolment } = options;
  const { site, node, nats } = enrolment();
  const connect = (kind: LinkKind) =>
    connectNode({
      site,
      node,
      kind,
      urls: nats.urls,
      ca: nats.ca,
      credentials: () => ({ jwt: enrolment().credentials[kind], seed: keys[kind].seed }),
      settings: {
        ...LINK_SETTINGS,
        reconnectWaitMs: config.link.reconnectWaitMs,
        jitterMs: config.link.jitterMs,
        pingIntervalMs: config.link.pingIntervalMs,
      },
      onEvent: (event) => {
        log.info(`link.${event.type}`, { link: kind, ...('error' in event ? { error: event.error?.message } : {}) });
        options.onEvent(kind, event);
      },
      onSent: options.onSent,
      signal: options.signal,
      random: options.random,
    });
  const [control, bulk] = await bothOf(connect('control'), connect('bulk'));
  const waiting = new Set<() => void>();
  return {
    control,
    bulk,
    enrolment,
    async adopt(credentials, links) {
      options.keep(credentials);
      await Promise.all((links === 'both' ? [control, bulk] : [bulk]).map((link) => connectAnew(link, log)));
      for (const look of waiting) look();
    },
    reaches: (family, signal) =>
      new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(look);
          signal.removeEventListener('abort', abort);
        };
        const abort = () => {
          leave();
          reject(signal.reason);
        };
        const look = () => {
          if (!enrolment().credentials.families.includes(family)) return;
          leave();
          resolve();
        };
        if (signal.aborted) return abort();
        waiting.add(look);
        signal.addEventListener('abort', abort, { once: true });
        look();
      }),
    close: async () => void (await Promise.all([control.close(), bulk.close()])),
  };
}

/** Each verified desired state that this agent may act on. A forged or too new one is told to the log, and left. */
export async function followDesired(
  session: Session,
  log: Log,
  take: (doc: DesiredState) => void,
  keySets: KeySets,
  signal: AbortSignal,
): Promise<void> {
  const { site, node } = session.enrolment();
  const judge = (frame: Uint8Array): FrameRefusal | null => {
    const opened = openDocument(desiredSubject(site, node), frame, keySets.keys(), DesiredState);
    if ('refused' in opened) {
      log.error('desired.refused', { why: opened.refused, detail: 'detail' in opened ? opened.detail : undefined });
      return opened.refused === 'unknownKey' ? opened.refused : null;
    }
    if (opened.value.site !== site || opened.value.node !== node) log.error('desired.notForThisNode', {});
    else if (opened.value.minProtocol > PROTOCOL)
      log.error('desired.agentTooOld', { needs: opened.value.minProtocol, has: PROTOCOL });
    else take(opened.value);
    return null;
  };
  let newest: Uint8Array | null = null;
  const watched = watchDesired(session.control, {
    signal,
    // The control plane makes it anew, and knows by itself that it has to (D5).
    onMissing: () => log.warn('desired.missing'),
    onError: (error) => log.warn('desired.notFollowed', { error: String(error) }),
  });
  for await (const { frame } of watched) {
    newest = frame;
    if (judge(frame) === null) continue;
    // K1: maybe the network's keys have changed. What comes meanwhile, a recall perhaps, waits for nothing.
    const again = (): void => void (newest === frame && judge(frame));
    // It rejects only where this session ends.
    keySets.newer(signal).then(again, () => undefined);
  }
}

/** The same bytes have the same id, and nobody who has not seen them can guess it. */
const reportIdOf = (frame: Uint8Array): string => {
  const hex = createHash('sha256').update(frame).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
};

export const reportTransport = (session: Session, calls: Calls): ReportTransport => ({
  connected: (signal) => session.control.whenConnected(signal),
  publish: async (frame) => void (await publishReport(session.control, { id: reportIdOf(frame), frame })),
  acked: (through) => calls.call('acked', { through }),
});
