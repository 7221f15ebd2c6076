import { canonicalJson } from '@openward/contracts';
import { pushAccountClaims, type AccountJwts, type ControlPlaneLink } from '@openward/messaging';
import { decode } from '@nats-io/jwt';

/**
 * Hands NATS the claims of the accounts, and nothing where it holds the same ones in another form: a JWT that is signed anew
 * differs by its time and id alone, yet a server that takes one for CORE forgets the answers that are under way to EDGE, so
 * that each node's open pull is dead until it ends (D5).
 */
export async function pushChangedClaims(sys: ControlPlaneLink<'sys'>, wanted: AccountJwts): Promise<void> {
  await sys.whenConnected();
  const [core, edge] = await Promise.all([held(sys, wanted.core), held(sys, wanted.edge)]);
  await pushAccountClaims(sys, { ...wanted, core: core ?? wanted.core, edge: edge ?? wanted.edge });
}

/** What the server holds, if it says the same; pushed again it changes nothing. */
async function held(sys: ControlPlaneLink<'sys'>, wanted: string): Promise<string | null> {
  const { sub } = decode(wanted);
  const answer = await sys.nc.request(`$SYS.REQ.ACCOUNT.${sub}.CLAIMS.LOOKUP`, '', { timeout: 5_000 });
  const stored = answer.string();
  return stored.split('.').length === 3 && meaningOf(stored) === meaningOf(wanted) ? stored : null;
}

function meaningOf(jwt: string): string {
  const { sub, iss, name, nats } = decode<Record<string, unknown>>(jwt);
  return canonicalJson({ sub, iss, name, nats });
}
