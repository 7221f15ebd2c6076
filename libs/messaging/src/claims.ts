import { setTimeout as pause } from 'node:timers/promises';
import type { AccountJwts } from './authority.ts';
import type { ControlPlaneLink } from './connect-control-plane.ts';
import { canonicalJson } from '@openward/contracts';
import { decode } from '@nats-io/jwt';

interface SystemAnswer {
  readonly data?: { readonly code?: number; readonly message?: string; readonly jwt?: string };
  readonly error?: { readonly code?: number; readonly description?: string };
}

const ATTEMPTS = 25;
const BETWEEN_MS = 100;

/**
 * Hands the server the claims of CORE and EDGE, with all revocations (D5). Resolves when the server is seen to have applied
 * them, at which time it has begun to cut revoked users off; throws when it has not within seconds. Its answer alone says
 * nothing: claims that it then finds invalid are answered with 200 too.
 *
 * Where the server holds claims that say the same, those are handed to it again, which changes nothing: a JWT that is signed anew
 * differs by its time and id alone, yet a server that takes one for CORE forgets the answers that are under way to EDGE, so that
 * each node's open pull is dead until it ends.
 */
export async function pushAccountClaims(sys: ControlPlaneLink<'sys'>, accounts: AccountJwts): Promise<void> {
  await sys.whenConnected();
  for (const wanted of [accounts.core, accounts.edge]) {
    const { sub: account, name } = decode(wanted);
    const jwt = (await heldInOtherForm(sys, account, wanted)) ?? wanted;
    const answer = (await sys.nc.request('$SYS.REQ.CLAIMS.UPDATE', jwt, { timeout: 5_000 })).json<SystemAnswer>();
    if (answer.data?.code !== 200)
      throw new Error(`the NATS server did not take the claims of ${name}: ${JSON.stringify(answer)}`);
    if (!(await isApplied(sys, account, jwt)))
      throw new Error(`the NATS server stored the claims of ${name} and does not apply them: not of its operator?`);
  }
}

/** What the server holds, if it says the same. */
async function heldInOtherForm(sys: ControlPlaneLink<'sys'>, account: string, wanted: string): Promise<string | null> {
  const held = await lookUp(sys, account);
  return held.split('.').length === 3 && meaningOf(held) === meaningOf(wanted) ? held : null;
}

function meaningOf(jwt: string): string {
  const { sub, iss, name, nats } = decode<Record<string, unknown>>(jwt);
  return canonicalJson({ sub, iss, name, nats });
}

async function isApplied(sys: ControlPlaneLink<'sys'>, account: string, jwt: string): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const info = await sys.nc.request(`$SYS.REQ.ACCOUNT.${account}.INFO`, '', { timeout: 5_000 });
    const { data, error } = info.json<SystemAnswer>();
    if (data?.jwt === jwt) return true;
    // Nobody of the account is connected: the stored claims are read, and checked, when somebody comes.
    if (error?.description?.includes('does not exist') && (await isStored(sys, account, jwt))) return true;
    await pause(BETWEEN_MS);
  }
  return false;
}

const isStored = async (sys: ControlPlaneLink<'sys'>, account: string, jwt: string): Promise<boolean> =>
  (await lookUp(sys, account)) === jwt;

async function lookUp(sys: ControlPlaneLink<'sys'>, account: string): Promise<string> {
  const stored = await sys.nc.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`, '', { timeout: 5_000 });
  return stored.string();
}
