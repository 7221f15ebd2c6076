import { createHash } from 'node:crypto';
import type { SigningKeys } from '../keys/signing-keys.ts';

/**
 * 43 characters that only the network's key can make again from a random name. A token that is shown once follows from what is
 * stored of it, so that a creating request that is sent again shows the same one, and no secret is ever stored (R9, K1).
 * Ed25519 signs the same bytes alike each time; the subject is none that a frame has.
 */
export function secretOf({ signer }: SigningKeys, purpose: 'enrolment' | 'access', name: string): string {
  const signature = signer.sign(Buffer.from(`openward secret ${purpose}\n${name}`));
  return createHash('sha256').update(signature).digest('base64url');
}
