import type { Digest, Name } from '@openward/contracts';
import { sql, type Transaction } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { clock } from './database.ts';
import { raiseGenerations } from './desired.ts';
import { notify } from './notify.ts';
import type { Schema } from './schema.ts';
import { lockToken, useToken } from './tokens.repository.ts';

type Trx = Transaction<Schema>;

export interface Enrolment {
  readonly node: Name;
  readonly identityKey: string;
  readonly identityKeyId: string;
  readonly controlKey: string;
  readonly bulkKey: string;
  readonly credentialsUntil: Date;
}

export type Enrolled =
  /** `again`: the same node with the same identity brought its token once more, since it lost the answer. */
  | { readonly kind: 'enrolled'; readonly site: Name; readonly again: boolean }
  | { readonly kind: 'tokenUnknown' | 'tokenExpired' | 'tokenUsed' | 'nodeExists' };

/** Nothing is written before every check has passed, so a refusal leaves the token as it was. */
export async function enrolNode(trx: Trx, secretDigest: Digest, enrolment: Enrolment): Promise<Enrolled> {
  const token = await lockToken(trx, secretDigest);
  if (token.kind === 'unknown') return { kind: 'tokenUnknown' };
  if (token.kind === 'expired') return { kind: 'tokenExpired' };
  if (token.kind === 'used') return answerAgain(trx, token, enrolment);

  const { site } = token;
  const isThere = (await insertNode(trx, site, enrolment)) || (await replaceRevoked(trx, site, enrolment));
  if (!isThere) return { kind: 'nodeExists' };
  await useToken(trx, token.id, enrolment.node);
  await raiseGenerations(trx, [enrolment.node]);
  const { node, identityKeyId } = enrolment;
  const details = { site, token: token.id, identityKeyId };
  await writeAudit(trx, [{ actor: `node:${node}`, action: 'nodeEnrolled', subject: `node:${node}`, details }]);
  await notify(trx, [{ type: 'node', id: node, version: 0 }]);
  return { kind: 'enrolled', site, again: false };
}

const columnsOf = ({ identityKey, identityKeyId, controlKey, bulkKey, credentialsUntil }: Enrolment) => ({
  identity_key: identityKey,
  identity_key_id: identityKeyId,
  control_key: controlKey,
  bulk_key: bulkKey,
  credentials_until: credentialsUntil,
});

async function answerAgain(
  trx: Trx,
  token: { readonly site: Name; readonly by: Name },
  enrolment: Enrolment,
): Promise<Enrolled> {
  const { numUpdatedRows } = await trx
    .updateTable('nodes')
    .set(columnsOf(enrolment))
    .where('name', '=', enrolment.node)
    .where('name', '=', token.by)
    .where('identity_key', '=', enrolment.identityKey)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n ? { kind: 'enrolled', site: token.site, again: true } : { kind: 'tokenUsed' };
}

async function insertNode(trx: Trx, site: Name, enrolment: Enrolment): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('nodes')
    .values({ name: enrolment.node, site, ...columnsOf(enrolment) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/**
 * A revoked node of the same site gives its name to a new machine, which has nothing of the old one: what that said counts no
 * more, and what it was told is not told to the new one, until somebody plans or retries.
 */
async function replaceRevoked(trx: Trx, site: Name, enrolment: Enrolment): Promise<boolean> {
  const { node } = enrolment;
  const { numUpdatedRows } = await trx
    .updateTable('nodes')
    .set({
      ...columnsOf(enrolment),
      enrolment: sql`enrolment + 1`,
      enrolled_at: clock,
      revoked_at: null,
      acked_through: 0,
      newest_seq: 0,
      newest_ledger: null,
    })
    .where('name', '=', node)
    .where('site', '=', site)
    .where('revoked_at', 'is not', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) return false;
  for (const table of ['assignments', 'node_releases', 'node_states', 'evidence', 'node_renewals'] as const) {
    await trx.deleteFrom(table).where('node', '=', node).execute();
  }
  return true;
}
