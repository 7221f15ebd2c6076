import type { Migration } from 'kysely/migration';
import * as first from './0001-first.ts';
import * as nodeKeys from './0002-node-keys.ts';
import * as policies from './0003-policies.ts';
import * as nodeLinks from './0004-node-links.ts';
import * as renewals from './0005-renewals.ts';

/** In order. A migration only expands; what it replaces is contracted a version later (V2). */
export const MIGRATIONS: readonly (Migration & { readonly name: string; readonly oldest: string })[] = [
  first,
  nodeKeys,
  policies,
  nodeLinks,
  renewals,
];
