import {
  RENEW_PATH,
  RenewReply,
  sealedFor,
  type Clock,
  type Credentials,
  type Ids,
  type Log,
  type Timers,
} from '@openward/contracts';
import type { DisclosureGate } from '@openward/privacy';
import type { Enrolment } from '../node/identity.ts';
import { openAnswer } from './enrol.ts';
import { postPinned } from './pinned-https.ts';

/** Credentials are renewed when this share of their life is over, so that a night without the network does no harm. */
const RENEW_AT = 2 / 3;
const SOONEST_MS = 1000;
const RETRY_MS = 15_000;
/** Over HTTPS each question is a row of the ledger: one that goes on failing is asked ever more seldom. */
const FIRST_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 600_000;

/** How long to wait before renewing: a share of what is left of the life, with a jitter that spreads a fleet. Pure. */
export function renewIn(issuedAt: number, expiresAt: number, now: number, jitter: number): number {
  const at = issuedAt + (expiresAt - issuedAt) * (RENEW_AT - 0.1 * jitter);
  return Math.max(SOONEST_MS, at - now);
}

export interface RenewalPorts {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly credentials: () => Credentials;
  /** The server took none of the credentials that are held now, whatever this machine's clock says of them. */
  readonly isRefused: () => boolean;
  readonly isConnected: () => boolean;
  readonly overNats: () => Promise<Credentials>;
  readonly overHttps: () => Promise<Credentials>;
  /** Keeps the credentials, durably, and connects anew with them. Waits for no line. */
  readonly adopt: (credentials: Credentials, links: 'both' | 'bulk') => Promise<void>;
}

/**
 * Renews for ever, from before the first connection: over NATS, and where NATS would not have these credentials, over HTTPS
 * (K3). `wake` resolves when a new family wants them sooner, or when a server has refused them.
 */
export async function keepCredentials(
  ports: RenewalPorts,
  wake: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = ports;
  let issuedAt = clock.wall();
  let wait = FIRST_WAIT_MS;
  let notBefore = clock.monotonic();
  while (!signal.aborted) {
    if (ports.isConnected()) wait = FIRST_WAIT_MS;
    const expiresAt = Date.parse(ports.credentials().expiresAt);
    const dueIn = isShutOut(ports)
      ? notBefore - clock.monotonic()
      : renewIn(issuedAt, expiresAt, clock.wall(), ports.random());
    const links = await nextReason(ports, Math.max(0, dueIn), wake, signal);
    if (signal.aborted) return;
    const isOut = isShutOut(ports);
    if (isOut && clock.monotonic() < notBefore) continue;
    try {
      const credentials = await (isOut ? ports.overHttps() : ports.overNats());
      await ports.adopt(credentials, isOut ? 'both' : links);
      issuedAt = clock.wall();
    } catch (error) {
      if (signal.aborted) return;
      log.warn('credentials.renewFailed', { error: String(error), retryMs: isOut ? wait : RETRY_MS });
      if (!isOut) await ports.timers.sleep(RETRY_MS, signal).catch(() => undefined);
    }
    if (!isOut) continue;
    notBefore = clock.monotonic() + wait;
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/** NATS is closed to these credentials. Who is connected is not shut out, though a wrong clock may call them expired. */
const isShutOut = ({ isRefused, isConnected, credentials, clock }: RenewalPorts): boolean =>
  isRefused() || (!isConnected() && Date.parse(credentials().expiresAt) <= clock.wall());

/** `both` when the time has come, `bulk` when somebody woke it. */
async function nextReason(
  { timers }: RenewalPorts,
  dueIn: number,
  wake: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<'both' | 'bulk'> {
  const waited = new AbortController();
  const either = AbortSignal.any([signal, waited.signal]);
  const due = timers.sleep(dueIn, either).then(() => 'both' as const);
  const woken = wake(either).then(() => 'bulk' as const);
  // The one that lost is aborted, and says so to nobody.
  const reason = await Promise.race([due, woken]).catch(() => 'both' as const);
  waited.abort();
  await Promise.allSettled([due, woken]);
  return reason;
}

/** One question, signed by the node's identity, and the network's answer to it. */
export async function renewOverHttps(
  {
    enrolment,
    gate,
    ids,
    wall,
    log,
  }: {
    readonly enrolment: () => Enrolment;
    readonly gate: DisclosureGate;
    readonly ids: Ids;
    readonly wall: () => number;
    readonly log: Log;
  },
  question: { readonly control: string; readonly bulk: string },
): Promise<Credentials> {
  const { url, ca } = enrolment();
  const path = RENEW_PATH;
  const nonce = ids.nonce();
  const frame = await gate.request('renew', sealedFor(path), { v: 1, nonce, ...question });
  const answer = await postPinned(url, path, ca, frame, wall());
  if (!answer.datesInRange)
    log.error('clock.certificateDatesOutOfRange', {
      next: 'check the clocks of this machine and of the control plane',
    });
  const reply = openAnswer(answer, path, RenewReply, () => enrolment().keySet.keys);
  if (reply.nonce !== nonce) throw new Error('the answer to the renewal is an old one');
  const skewMs = Math.abs(Date.parse(reply.now) - wall());
  if (skewMs > 300_000) log.error('clock.skew', { skewMs });
  return reply.credentials;
}
