import { Credentials, Instant, KeySet, Name } from '@openward/contracts';
import { generateUserKey } from '@openward/messaging';
import { generateSeed, signingKeyFromSeed, type SigningKey } from '@openward/trust';
import { z } from 'zod';
import { pathsOf, readTextFile, writeSecretFile } from './files.ts';

/** Three keys that the node makes and that never leave it (K1). */
export interface NodeKeys {
  readonly identity: SigningKey;
  readonly control: { readonly publicKey: string; readonly seed: string };
  readonly bulk: { readonly publicKey: string; readonly seed: string };
}

const UserKey = z.strictObject({ publicKey: z.string(), seed: z.string() });

/** Makes what is missing; what is there stays. */
export function ensureKeys(dataDir: string): NodeKeys {
  const paths = pathsOf(dataDir);
  const kept = (path: string, make: () => string): string => {
    const found = readTextFile(path);
    if (found !== null) return found;
    const made = make();
    writeSecretFile(path, made);
    return made;
  };
  const userKey = (path: string) => UserKey.parse(JSON.parse(kept(path, () => JSON.stringify(generateUserKey()))));
  return {
    identity: signingKeyFromSeed(kept(paths.identity, generateSeed)),
    control: userKey(paths.control),
    bulk: userKey(paths.bulk),
  };
}

/** What enrolling gave, and renewals since. */
export const Enrolment = z.strictObject({
  site: Name,
  node: Name,
  url: z.url(),
  /** PEM of the control plane's certificate authority, pinned. */
  ca: z.string(),
  keySet: KeySet,
  nats: z.strictObject({ urls: z.array(z.string()).min(1), ca: z.string().nullable() }),
  credentials: Credentials,
  enrolledAt: Instant,
});
export type Enrolment = z.infer<typeof Enrolment>;

export function readEnrolment(dataDir: string): Enrolment | null {
  const text = readTextFile(pathsOf(dataDir).enrolment);
  return text === null ? null : Enrolment.parse(JSON.parse(text));
}

export const writeEnrolment = (dataDir: string, enrolment: Enrolment): void =>
  writeSecretFile(pathsOf(dataDir).enrolment, JSON.stringify(enrolment, null, 2));
