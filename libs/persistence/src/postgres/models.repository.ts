import {
  canonicalJson,
  type ModelVariant,
  type ModelVersion,
  type ModelView,
  type Name,
  type Page,
  type PageQuery,
  type Version,
} from '@openward/contracts';
import { sql, type Selectable, type Transaction } from 'kysely';
import { writeArtifact } from './artifacts.repository.ts';
import { writeAudit } from './audit.repository.ts';
import { clock, inTransaction, instantOf, json, type Database } from './database.ts';
import { readModelUses, type ModelUse } from './model-uses.ts';
import { pageOf } from './paging.ts';
import type { ModelVersionTable, Schema } from './schema.ts';

type Trx = Transaction<Schema>;

/** A version without its variants. */
export type ModelHead = Omit<ModelVersion, 'variants'>;

export type Registered =
  /** `registered`: new. `same`: it was there with the very same bytes, and nothing was written. */
  | { readonly kind: 'registered' | 'same'; readonly model: ModelView }
  /** Immutable: `differs` names the fields that are otherwise. */
  | { readonly kind: 'versionExists'; readonly differs: readonly string[] }
  | { readonly kind: 'tooManyVariants' }
  /** It, or the base that it names. */
  | { readonly kind: 'modelRetired'; readonly name: Name; readonly version: Version };

export type Retired =
  | { readonly kind: 'retired'; readonly model: ModelView }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'before'; readonly at: string }
  | { readonly kind: 'inUse'; readonly uses: readonly ModelUse[] };

const MOST_VARIANTS = 16;

export class ModelRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** Makes the version with its first variant, and adds a variant to one that is there. Its chunks are all stored by now (D1). */
  async register(head: ModelHead, variant: ModelVariant, by: string): Promise<Registered> {
    return inTransaction(this.#db, (trx) => register(trx, head, variant, by));
  }

  async find(name: Name, version: Version): Promise<ModelView | null> {
    const row = await select(this.#db).where('name', '=', name).where('version', '=', version).executeTakeFirst();
    return row === undefined ? null : viewOf(row);
  }

  /** By name, then by version as text. */
  async list(query: PageQuery, of: { readonly name?: Name } = {}): Promise<Page<ModelView>> {
    let rows = select(this.#db)
      .orderBy('name')
      .orderBy('version')
      .limit(query.limit + 1);
    if (of.name !== undefined) rows = rows.where('name', '=', of.name);
    if (query.after !== undefined) {
      const [name = '', version = ''] = query.after.split('@');
      rows = rows.where(sql<boolean>`(name, version) > (${name}, ${version})`);
    }
    return pageOf(await rows.execute(), query, (row) => `${row.name}@${row.version}`, viewOf);
  }

  /**
   * Whether a release may still name it. The row is held until the transaction ends, so that it is not retired meanwhile; null
   * where there is none.
   */
  async mayBeUsed(name: Name, version: Version): Promise<boolean | null> {
    const row = await this.#db
      .selectFrom('model_versions')
      .where('name', '=', name)
      .where('version', '=', version)
      .select('retired_at')
      .forShare()
      .executeTakeFirst();
    return row === undefined ? null : row.retired_at === null;
  }

  /** D7: nothing new may name it, and it is not kept for its own sake any more. Refused while anything stands on it. */
  async retire(name: Name, version: Version, why: { readonly by: string; readonly reason: string }): Promise<Retired> {
    return inTransaction(this.#db, async (trx) => {
      const row = await trx
        .selectFrom('model_versions')
        .where('name', '=', name)
        .where('version', '=', version)
        .select('retired_at')
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined) return { kind: 'unknown' };
      if (row.retired_at !== null) return { kind: 'before', at: instantOf(row.retired_at) };
      const uses = await readModelUses(trx, name, version);
      if (uses.length > 0) return { kind: 'inUse', uses };
      await trx
        .updateTable('model_versions')
        .set({ retired_at: clock })
        .where('name', '=', name)
        .where('version', '=', version)
        .execute();
      const details = { reason: why.reason };
      await writeAudit(trx, [{ actor: why.by, action: 'modelRetired', subject: `model:${name}@${version}`, details }]);
      const retired = await select(trx)
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirstOrThrow();
      return { kind: 'retired', model: viewOf(retired) };
    });
  }
}

async function register(trx: Trx, head: ModelHead, variant: ModelVariant, by: string): Promise<Registered> {
  const { name, version, base } = head;
  const isOfRetired =
    base !== undefined && (await new ModelRepository(trx).mayBeUsed(base.name, base.version)) === false;
  if (isOfRetired) return { kind: 'modelRetired', ...base };
  await trx
    .insertInto('model_versions')
    .values(columnsOf(head))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  // Locked, so that two variants that come at once take their places one after the other.
  await trx
    .selectFrom('model_versions')
    .where('name', '=', name)
    .where('version', '=', version)
    .select('name')
    .forNoKeyUpdate()
    .execute();
  const there = await select(trx).where('name', '=', name).where('version', '=', version).executeTakeFirstOrThrow();
  if (there.retired_at !== null) return { kind: 'modelRetired', name, version };
  const { createdAt: _, retiredAt: _retired, variants, ...known } = viewOf(there);
  const found = variants.find((it) => it.variant === variant.variant);
  const differs = [...differences(known, head), ...(found === undefined ? [] : differences(found, variant))];
  if (differs.length > 0) return { kind: 'versionExists', differs };
  if (found !== undefined) return { kind: 'same', model: viewOf(there) };
  if (variants.length >= MOST_VARIANTS) return { kind: 'tooManyVariants' };
  await insertVariant(trx, head, variant, variants.length);
  const subject = `model:${name}@${version}/${variant.variant}`;
  await writeAudit(trx, [{ actor: by, action: 'variantRegistered', subject, details: variant }]);
  return { kind: 'registered', model: { ...viewOf(there), variants: [...variants, variant] } };
}

const columnsOf = (head: ModelHead) => ({
  name: head.name,
  version: head.version,
  family: head.family,
  kind: head.kind,
  base_name: head.base?.name ?? null,
  base_version: head.base?.version ?? null,
  template: json(head.template),
  context_length: head.contextLength,
  training_statement: head.trainingStatement,
});

async function insertVariant(trx: Trx, head: ModelHead, variant: ModelVariant, position: number): Promise<void> {
  const { name, version } = head;
  await writeArtifact(trx, variant.artifact, 'gguf');
  if (variant.base !== undefined) await writeArtifact(trx, variant.base, 'gguf');
  await trx
    .insertInto('model_variants')
    .values({
      name,
      version,
      variant: variant.variant,
      position,
      artifact: json(variant.artifact),
      base: variant.base === undefined ? null : json(variant.base),
      needs: json(variant.needs),
    })
    .execute();
}

/** Names of the fields that are not the same. A training statement that says nothing contradicts none. */
function differences(known: object, given: object): string[] {
  const [a, b] = [new Map<string, unknown>(Object.entries(known)), new Map<string, unknown>(Object.entries(given))];
  if (b.get('trainingStatement') === '') b.set('trainingStatement', a.get('trainingStatement'));
  const isSame = (key: string) => canonicalJson([a.get(key) ?? null]) === canonicalJson([b.get(key) ?? null]);
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => !isSame(key));
}

const parts = sql`'variant', variant, 'artifact', artifact, 'base', base, 'needs', needs`;
const variantJson = sql`jsonb_strip_nulls(jsonb_build_object(${parts}))`;

const select = (db: Database) =>
  db
    .selectFrom('model_versions')
    .selectAll('model_versions')
    .select((eb) =>
      eb
        .selectFrom('model_variants')
        .whereRef('model_variants.name', '=', 'model_versions.name')
        .whereRef('model_variants.version', '=', 'model_versions.version')
        .select(sql<ModelVariant[]>`coalesce(jsonb_agg(${variantJson} order by position), '[]')`.as('list'))
        .as('variants'),
    );

function viewOf(row: Selectable<ModelVersionTable> & { readonly variants: ModelVariant[] | null }): ModelView {
  const { base_name: name, base_version: version } = row;
  return {
    name: row.name,
    version: row.version,
    family: row.family,
    kind: row.kind,
    ...(name === null || version === null ? {} : { base: { name, version } }),
    template: row.template,
    contextLength: row.context_length,
    trainingStatement: row.training_statement,
    variants: row.variants ?? [],
    createdAt: instantOf(row.created_at),
    retiredAt: row.retired_at === null ? null : instantOf(row.retired_at),
  };
}
