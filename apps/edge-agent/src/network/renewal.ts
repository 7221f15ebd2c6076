import {
  RENEW_PATH,
  RenewReply,
  sealedFor,
  type Credentials,
  type Ids,
  type Log,
  type Timers,
} from '@openward/contracts';
import type { DisclosureGate } from '@openward/privacy';
import type { NodeKeys } from '../node/identity.ts';
import type { Enrolment } from '../node/identity.ts';
import type { Calls } from './calls.ts';
import { openAnswer } from './enrol.ts';
import { postPinned } from './pinned-https.ts';

/** Credentials are renewed when this share of their life is over, so that a night without the network does no harm. */
const RENEW_AT = 2 / 3;
const SOONEST_MS = 1000;
const RETRY_MS = 15_000;

/** How long to wait before renewing: a share of what is left of the life, with a jitter that spreads a fleet. Pure. */
export function renewIn(issuedAt: number, expiresAt: number, now: number, jitter: number): number {
  const at = issuedAt + (expiresAt - issuedAt) * (RENEW_AT - 0.1 * jitter);
  return Math.max(SOONEST_MS, at - now);
}

export interface RenewalPorts {
  readonly timers: Timers;
  readonly wall: () => number;
  readonly random: () => number;
  readonly log: Log;
  readonly ids: Ids;
  readonly gate: DisclosureGate;
  readonly calls: Calls;
  readonly keys: NodeKeys;
  readonly enrolment: () => Enrolment;
  /** Keeps the credentials, durably, and connects anew with them. */
  readonly adopt: (credentials: Credentials, links: 'both' | 'bulk') => Promise<void>;
}

/** Renews for ever, over NATS; once the credentials have expired, over HTTPS (K3). `wake` resolves when a new family wants them sooner. */
export async function keepCredentials(
  ports: RenewalPorts,
  wake: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let issuedAt = ports.wall();
  while (!signal.aborted) {
    const expiresAt = Date.parse(ports.enrolment().credentials.expiresAt);
    const waited = new AbortController();
    const either = AbortSignal.any([signal, waited.signal]);
    const due = ports.timers
      .sleep(renewIn(issuedAt, expiresAt, ports.wall(), ports.random()), either)
      .then(() => 'both' as const);
    const links = await Promise.race([due, wake(either).then(() => 'bulk' as const)]).catch(() => 'both' as const);
    waited.abort();
    if (signal.aborted) return;
    try {
      const isExpired = expiresAt <= ports.wall();
      await ports.adopt(await renewOnce(ports), isExpired ? 'both' : links);
      issuedAt = ports.wall();
    } catch (error) {
      ports.log.warn('credentials.renewFailed', { error: String(error), retryMs: RETRY_MS });
      await ports.timers.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }
}

async function renewOnce(ports: RenewalPorts): Promise<Credentials> {
  const { control, bulk } = ports.keys;
  const question = { control: control.publicKey, bulk: bulk.publicKey };
  const isExpired = Date.parse(ports.enrolment().credentials.expiresAt) <= ports.wall();
  if (!isExpired) return (await ports.calls.call('renew', question)).credentials;
  return renewOverHttps(ports, question);
}

export async function renewOverHttps(
  { enrolment, gate, ids, wall, log }: Pick<RenewalPorts, 'enrolment' | 'gate' | 'ids' | 'wall' | 'log'>,
  question: { readonly control: string; readonly bulk: string },
): Promise<Credentials> {
  const { url, ca, keySet } = enrolment();
  const path = RENEW_PATH;
  const nonce = ids.nonce();
  const frame = await gate.request('renew', sealedFor(path), { v: 1, nonce, ...question });
  const answer = await postPinned(url, path, ca, frame, wall());
  if (!answer.datesInRange)
    log.error('clock.certificateDatesOutOfRange', {
      next: 'check the clocks of this machine and of the control plane',
    });
  const reply = openAnswer(answer, path, RenewReply, () => keySet.keys);
  if (reply.nonce !== nonce) throw new Error('the answer to the renewal is an old one');
  const skewMs = Math.abs(Date.parse(reply.now) - wall());
  if (skewMs > 300_000) log.error('clock.skew', { skewMs });
  return reply.credentials;
}
