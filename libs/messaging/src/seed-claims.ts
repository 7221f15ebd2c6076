import { createHash } from 'node:crypto';
import type { Authority } from './authority.ts';

/** Older than anything that is ever pushed. */
const ISSUED_AT = 1;

const encoded = (value: object | Uint8Array): string =>
  Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value)).toString('base64url');

/**
 * An account's claims for a server's configuration, issued at the beginning of time. A server that starts keeps whichever is
 * newer of these and of what it stored; claims that were issued when somebody wrote the configuration anew, without the
 * revocations, would let every revoked node in again.
 */
export function asSeed(jwt: string, { keys }: Authority): string {
  const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) as object;
  const aged = { ...claims, iss: keys.operatorSigning.getPublicKey(), iat: ISSUED_AT, jti: '' };
  const jti = createHash('sha512').update(JSON.stringify(aged)).digest('base64');
  const signed = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded({ ...aged, jti })}`;
  return `${signed}.${encoded(keys.operatorSigning.sign(Buffer.from(signed)))}`;
}
