import { Refusal, type Digest, type RolloutId } from '@openward/contracts';
import type { AuditEntry, Change, Effect, RolloutState } from '@openward/rollout';
import { sql, type Transaction } from 'kysely';
import { writeAudit, type AuditRecord } from './audit.repository.ts';
import { atMs, clock, json } from './database.ts';
import { raiseGenerations } from './desired.ts';
import { notify } from './notify.ts';
import type { Schema } from './schema.ts';

type Trx = Transaction<Schema>;

const dueAt = ({ dueAt: at }: Change) => (at === null ? null : atMs(at));

/** Checks the version that was loaded: a row that somebody else wrote meanwhile breaks the lock's promise, and throws. */
export async function updateRollout(
  trx: Trx,
  { id, version }: { readonly id: RolloutId; readonly version: number },
  change: Change,
): Promise<void> {
  const { state, open } = change;
  if (state !== null && state.id !== id) throw new Error(`${id} cannot become ${state.id}`);
  const next = state === null ? version : version + 1;
  const written = state === null ? {} : { state: json(state), engine: state.engine, version: next };
  const { numUpdatedRows } = await trx
    .updateTable('rollouts')
    .set({ due_at: dueAt(change), open, ...written })
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new Error(`${id} is no longer at version ${version}`);
  if (!open) await trx.deleteFrom('rollout_marks').where('rollout', '=', id).execute();
  if (state !== null) await notify(trx, [{ type: 'rollout', id, version: next }]);
}

export async function insertRollout(trx: Trx, change: Change & { readonly state: RolloutState }): Promise<void> {
  const { state, open } = change;
  const { id, service, engine, plan, nodes } = state;
  const release = plan.release.digest;
  await trx
    .insertInto('rollouts')
    .values({ id, service, release, engine, version: 1, open, due_at: dueAt(change), state: json(state) })
    .execute();
  await sql`
    insert into rollout_nodes (rollout, node) select ${id}, node from unnest(${Object.keys(nodes)}::text[]) as node`.execute(
    trx,
  );
  await notify(trx, [{ type: 'rollout', id, version: 1 }]);
}

/** A recall may have been committed after the plan was made; it waits for a start that has come so far. */
export async function assertNotRecalled(trx: Trx, release: Digest): Promise<void> {
  const row = await trx
    .selectFrom('releases')
    .where('digest', '=', release)
    .select('recalled_at')
    .forShare()
    .executeTakeFirst();
  if (row !== undefined && row.recalled_at !== null) throw new Refusal('releaseRecalled', `${release} is recalled`);
}

/** In order; each node that is told anything is told once. Permits are answers, and no rows. */
export async function writeEffects(trx: Trx, effects: readonly Effect[]): Promise<void> {
  const told = effects.filter((it) => it.kind === 'setAssignment');
  await setAssignments(trx, told);
  await raiseGenerations(
    trx,
    told.map((it) => it.node),
  );
  await writeAudit(
    trx,
    effects.filter((it) => it.kind === 'audit').map((it) => recordOf(it.entry)),
  );
}

/** Of several for a node and service the last is the newest. */
async function setAssignments(trx: Trx, told: readonly Extract<Effect, { kind: 'setAssignment' }>[]): Promise<void> {
  if (told.length === 0) return;
  const newest = new Map(told.map(({ node, assignment }) => [`${node} ${assignment.service}`, { node, assignment }]));
  const rows = json([...newest.values()]);
  await sql`
    insert into assignments (node, service, id, rollout, document)
    select row ->> 'node', doc ->> 'service', doc ->> 'id', doc ->> 'rollout', doc
    from jsonb_array_elements(${rows}::jsonb) as row, lateral (select row -> 'assignment' as doc) as its
    order by 1, 2
    on conflict (node, service) do update
    set id = excluded.id, rollout = excluded.rollout, document = excluded.document, set_at = ${clock}`.execute(trx);
  await sql`
    insert into node_releases (node, release, service, variant)
    select row ->> 'node', doc -> 'release' ->> 'digest', doc ->> 'service', doc -> 'variant' ->> 'name'
    from jsonb_array_elements(${rows}::jsonb) as row, lateral (select row -> 'assignment' as doc) as its
    order by 1, 2
    on conflict (node, release) do update set variant = excluded.variant`.execute(trx);
}

function recordOf({ at, by, action, rollout, ...details }: AuditEntry): AuditRecord {
  return { at, actor: by, action, subject: `rollout:${rollout}`, details };
}
