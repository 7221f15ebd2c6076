import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '@openward/contracts';
import { signingKeyFromSeed, type SigningKey } from '@openward/trust';

/** Everything that whoever has stolen a node's data folder could act with. */
export interface StolenFolder {
  readonly site: string;
  readonly node: string;
  readonly ca: string;
  readonly nats: { readonly urls: readonly string[]; readonly ca: string | null };
  readonly credentials: Credentials;
  readonly identity: SigningKey;
  /** Seeds of the NATS users. */
  readonly control: string;
  readonly bulk: string;
}

export function readFolder(dataDir: string): StolenFolder {
  const read = (...path: string[]): string => readFileSync(join(dataDir, ...path), 'utf8');
  const seed = (file: string): string => (JSON.parse(read('keys', file)) as { seed: string }).seed;
  const enrolment = JSON.parse(read('enrolment.json')) as Pick<
    StolenFolder,
    'site' | 'node' | 'ca' | 'nats' | 'credentials'
  >;
  return {
    ...enrolment,
    identity: signingKeyFromSeed(read('keys', 'identity.seed')),
    control: seed('control.seed'),
    bulk: seed('bulk.seed'),
  };
}
