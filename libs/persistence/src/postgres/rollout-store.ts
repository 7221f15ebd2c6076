import type { Name, RolloutId } from '@openward/contracts';
import type { Loaded, RolloutState, RolloutStore, StartLoaded, Started, Turn } from '@openward/rollout';
import { sql, type Transaction } from 'kysely';
import { clockMs, inTransaction, type Database } from './database.ts';
import { readInputs } from './rollout-inputs.ts';
import { assertNotRecalled, insertRollout, updateRollout, writeEffects } from './rollout-writes.ts';
import type { Schema } from './schema.ts';

type Trx = Transaction<Schema>;

interface Locked {
  readonly state: RolloutState;
  readonly version: number;
}

/**
 * Rollouts on PostgreSQL (R9). Rows are locked in one order everywhere: rollouts, then the release, then the network's state, then
 * what nodes are told. FOR NO KEY UPDATE, since a reference to a row is no reason to wait for it.
 */
export function postgresRollouts(db: Database): RolloutStore {
  // A rollout whose turn has just failed here goes behind the others that are due, so that it cannot hold them all up.
  const failing = new Set<RolloutId>();
  return {
    async turnDue(engine, turn) {
      let at: RolloutId | null = null;
      try {
        const done = await inTransaction(db, async (trx) => {
          const row = await lockDue(trx, engine, [...failing]);
          if (row === null) return null;
          at = row.state.id;
          return turnLocked(trx, row, 'all', turn);
        });
        if (at !== null) failing.delete(at);
        return done;
      } catch (error) {
        if (at !== null) failing.add(at);
        throw error;
      }
    },

    turnOne: (id, inputsOf, turn) =>
      inTransaction(db, async (trx) => {
        const row = await trx
          .selectFrom('rollouts')
          .where('id', '=', id)
          .select(['state', 'version'])
          .forNoKeyUpdate()
          .executeTakeFirst();
        return row === undefined ? null : turnLocked(trx, row, inputsOf, turn);
      }),

    start: (service, turn) =>
      inTransaction(db, async (trx) => {
        // Of the transaction: it ends with it. The service need not have a row yet.
        await sql`select pg_advisory_xact_lock(hashtextextended(${`start ${service}`}, 0))`.execute(trx);
        const others = await lockOpen(trx, service);
        const { start, result } = turn(await startLoaded(trx, others));
        if (start !== null) await writeStart(trx, others, start);
        return result;
      }),

    async openOf(release) {
      const rows = await db
        .selectFrom('rollouts')
        .where('release', '=', release)
        .where('open', '=', true)
        .orderBy('id')
        .select('id')
        .execute();
      return rows.map((row) => row.id);
    },

    async read(id) {
      const row = await db.selectFrom('rollouts').where('id', '=', id).select(['state', 'version']).executeTakeFirst();
      return row ?? null;
    },
  };
}

async function lockDue(trx: Trx, engine: number, failing: readonly RolloutId[]): Promise<Locked | null> {
  const { rows } = await sql<Locked>`
    select rollouts.state, rollouts.version from rollouts
    where rollouts.open and rollouts.engine <= ${engine}
      and (
        rollouts.due_at <= clock_timestamp()
        or exists (
          select from rollout_marks
          where rollout_marks.rollout = rollouts.id and rollout_marks.due_at <= clock_timestamp()
        )
      )
      and (
        rollouts.state -> 'life' ->> 'kind' = 'rollingBack'
        or not exists (select from network_state where read_only_since is not null)
      )
    order by rollouts.id = any(${failing}::text[]), rollouts.due_at nulls last, rollouts.id
    limit 1
    for no key update of rollouts skip locked`.execute(trx);
  return rows[0] ?? null;
}

async function turnLocked<R>(
  trx: Trx,
  { state, version }: Locked,
  inputsOf: readonly Name[] | 'all',
  turn: Turn<R>,
): Promise<{ readonly result: R }> {
  const { readOnly, now } = await network(trx);
  // The marks are read before the inputs: a mark that is seen has its report among the inputs, any other stays.
  const marks = inputsOf === 'all' ? await marksOf(trx, state.id) : [];
  const inputs = await readInputs(trx, state, inputsOf);
  const loaded: Loaded = { state, now, inputs, readOnly };
  const { change, result } = turn(loaded);
  if (change === null) return { result };
  await updateRollout(trx, { id: state.id, version }, change);
  await writeEffects(trx, change.effects);
  if (marks.length > 0) {
    await trx
      .deleteFrom('rollout_marks')
      .where('id', '=', sql<number>`any(${marks}::bigint[])`)
      .execute();
  }
  return { result };
}

/** Held until the turn ends, so that read-only begins, or a new epoch opens, between turns and never within one (D6). */
async function network(trx: Trx): Promise<{ readonly readOnly: boolean; readonly now: number }> {
  const row = await trx
    .selectFrom('network_state')
    .select(['read_only_since', clockMs.as('now')])
    .forShare()
    .executeTakeFirstOrThrow();
  return { readOnly: row.read_only_since !== null, now: row.now };
}

async function marksOf(trx: Trx, id: RolloutId): Promise<readonly number[]> {
  const rows = await trx.selectFrom('rollout_marks').where('rollout', '=', id).select('id').execute();
  return rows.map((row) => row.id);
}

async function lockOpen(trx: Trx, service: Name): Promise<readonly Locked[]> {
  return trx
    .selectFrom('rollouts')
    .where('service', '=', service)
    .where('open', '=', true)
    .orderBy('id')
    .select(['state', 'version'])
    .forNoKeyUpdate()
    .execute();
}

async function startLoaded(trx: Trx, others: readonly Locked[]): Promise<StartLoaded> {
  const { readOnly, now } = await network(trx);
  return { now, readOnly, others: others.map((it) => it.state) };
}

async function writeStart(trx: Trx, others: readonly Locked[], start: Started): Promise<void> {
  await assertNotRecalled(trx, start.rollout.state.plan.release.digest);
  for (const change of start.others) {
    const { id } = change.state;
    const row = others.find((it) => it.state.id === id);
    if (row === undefined) throw new Error(`${id} is not among the open rollouts of its service`);
    await updateRollout(trx, { id, version: row.version }, change);
  }
  await insertRollout(trx, start.rollout);
  await writeEffects(trx, [...start.others.flatMap((it) => it.effects), ...start.rollout.effects]);
}
