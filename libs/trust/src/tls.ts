import { createHash, X509Certificate } from 'node:crypto';
import type { Digest } from '@openward/contracts';

/** SHA-256 of the certificate's DER, as enrolment tokens pin it (K2). */
export const certificateDigest = (pem: string): Digest =>
  `sha256:${createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')}`;

/** The certificates of a PEM file, in order. */
export const certificatesOf = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];

export type ChainCheck =
  | { readonly ok: true; readonly datesInRange: boolean }
  | { readonly ok: false; readonly why: string };

/**
 * Whether a server's chain hangs from the pinned authority and its leaf is for `host` (K3). Dates are told apart, not refused:
 * they are not fatal for the pinned authority alone, and never decided by an error code. Each link's signature is checked,
 * since an impostor's authority can carry the same name.
 */
export function checkChain(chain: readonly Uint8Array[], pinnedPem: string, host: string, wall: number): ChainCheck {
  const pinned = new X509Certificate(pinnedPem);
  const links = chain
    .map((der) => new X509Certificate(der))
    .filter((link) => link.fingerprint256 !== pinned.fingerprint256);
  const [leaf] = links;
  if (leaf === undefined) return { ok: false, why: 'the server showed no certificate of its own' };
  for (const [index, link] of links.entries()) {
    const issuer = links[index + 1] ?? pinned;
    if (!issuer.ca || !link.checkIssued(issuer) || !link.verify(issuer.publicKey))
      return { ok: false, why: 'the chain does not end at the pinned certificate authority' };
  }
  if (leaf.checkHost(host) === undefined && leaf.checkIP(host) === undefined)
    return { ok: false, why: `the certificate is not for ${host}` };
  const datesInRange = [...links, pinned].every(
    (link) => Date.parse(link.validFrom) <= wall && wall <= Date.parse(link.validTo),
  );
  return { ok: true, datesInRange };
}
