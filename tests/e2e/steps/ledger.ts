import { EnrolRequest, Report, RPC, type RpcOperation } from '@openward/contracts';
import type { SiteWorld } from '@openward/demo/harness';
import { openDocument } from '@openward/trust';
import { z } from 'zod';
import { readFolder } from './credentials.ts';

// What left a hospital, as hospital IT sees it.

export interface LedgerEntry {
  readonly seq: number;
  readonly kind: string;
  readonly subject: string;
  readonly bytes: Buffer;
}

/** Every row of the node's ledger, oldest first. */
export async function ledgerOf(site: SiteWorld): Promise<LedgerEntry[]> {
  const rows: LedgerEntry[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page: { items: (Omit<LedgerEntry, 'bytes'> & { bytes: string })[]; next: number | null } = await site.local(
      'GET',
      `/disclosures?after=${after}&limit=1000`,
    );
    rows.push(...page.items.map((row) => ({ ...row, bytes: Buffer.from(row.bytes, 'base64') })));
    after = page.next;
  }
  return rows;
}

const schemaOf = (kind: string): z.ZodType =>
  kind === 'enrol' ? EnrolRequest : kind in RPC ? RPC[kind as RpcOperation].request : Report;

/** The value that a row carries, under the node's own seal. Throws where seal or schema do not hold, or a byte is left over. */
export function openEntry(site: SiteWorld, { kind, subject, bytes }: LedgerEntry): unknown {
  const { identity } = readFolder(site.dataDir);
  const opened = openDocument(subject, bytes, [identity.publicKey], schemaOf(kind));
  if ('refused' in opened) throw new Error(`${kind}: ${opened.refused} ${'detail' in opened ? opened.detail : ''}`);
  const text = Buffer.from(opened.payload).toString('utf8');
  // Nothing beside what the schema names: no member twice, no blank but the padding's at the end.
  if (text.trimEnd() !== JSON.stringify(JSON.parse(text)) || /[^ ]$/.exec(text.slice(text.trimEnd().length)))
    throw new Error(`${kind}: bytes that its schema does not account for`);
  return opened.value;
}

export const reportsIn = (site: SiteWorld, rows: readonly LedgerEntry[]): Report[] =>
  rows.filter(({ kind }) => kind === 'state' || kind === 'evidence').map((row) => openEntry(site, row) as Report);
