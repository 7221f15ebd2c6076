import { setTimeout as pause } from 'node:timers/promises';
import type { AccountJwts } from './authority.ts';
import type { ControlPlaneLink } from './connect-control-plane.ts';
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
 */
export async function pushAccountClaims(sys: ControlPlaneLink<'sys'>, accounts: AccountJwts): Promise<void> {
  await sys.whenConnected();
  for (const jwt of [accounts.core, accounts.edge]) {
    const { sub: account, name } = decode(jwt);
    const answer = (await sys.nc.request('$SYS.REQ.CLAIMS.UPDATE', jwt, { timeout: 5_000 })).json<SystemAnswer>();
    if (answer.data?.code !== 200)
      throw new Error(`the NATS server did not take the claims of ${name}: ${JSON.stringify(answer)}`);
    if (!(await isApplied(sys, account, jwt)))
      throw new Error(`the NATS server stored the claims of ${name} and does not apply them: not of its operator?`);
  }
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

async function isStored(sys: ControlPlaneLink<'sys'>, account: string, jwt: string): Promise<boolean> {
  const stored = await sys.nc.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`, '', { timeout: 5_000 });
  return stored.string() === jwt;
}
