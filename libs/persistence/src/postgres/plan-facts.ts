import {
  OLDEST_PROTOCOL,
  type AssignmentPhase,
  type Digest,
  type ModelVariant,
  type Name,
  type Release,
  type StateBody,
} from '@openward/contracts';
import { changeAtNode, classOfChange, type Change } from '@openward/policy';
import {
  lastGoodOf,
  liveNodesOf,
  type LoadedModel,
  type NodeFacts,
  type PlanFacts,
  type ReportedNode,
  type Told,
} from '@openward/rollout';
import { sql } from 'kysely';
import { clockMs, inTransaction, type Database } from './database.ts';

/** Of a release, what a node that has one of its variants holds. */
interface Held {
  readonly release: Digest;
  readonly service: Name;
  readonly variant: ModelVariant;
  readonly documents: readonly Digest[];
}

/**
 * Everything that `plan()` judges for a release, of all nodes: it selects by labels itself. Null where there is no such release.
 * Not one snapshot: what changes between plan and start is found at the start (R1, R5).
 */
export async function readPlanFacts(db: Database, service: Name, release: number): Promise<PlanFacts | null> {
  return inTransaction(db, async (trx) => {
    const row = await trx
      .selectFrom('releases')
      .innerJoin('suites', (join) =>
        join.on(sql`releases.document -> 'suite' ->> 'digest'`, '=', sql.ref('suites.digest')),
      )
      .where('releases.service', '=', service)
      .where('releases.number', '=', release)
      .select(['releases.digest', 'releases.document', 'releases.artifact', 'suites.document as suite'])
      .select(clockMs.as('now'))
      .executeTakeFirst();
    if (row === undefined) return null;
    const { digest, document, artifact, suite, now } = row;
    const recalled = await trx
      .selectFrom('releases')
      .where('recalled_at', 'is not', null)
      .orderBy('digest')
      .select('digest')
      .execute();
    const open = await trx
      .selectFrom('rollouts')
      .where('service', '=', service)
      .where('open', '=', true)
      .orderBy('id')
      .select('state')
      .execute();
    return {
      release: { digest, document, artifact },
      suite,
      recalled: recalled.map((it) => it.digest),
      nodes: await readNodes(trx, document),
      live: open.flatMap((it) => liveNodesOf(it.state)),
      oldestProtocol: OLDEST_PROTOCOL,
      now,
    };
  });
}

/** By release of the service that any node serves: what the one that is planned is after it, whatever files the node runs. */
type Changes = ReadonlyMap<Digest, { readonly change: Change; readonly variants: readonly ModelVariant[] }>;

async function readChanges(db: Database, next: Release): Promise<Changes> {
  const { rows } = await sql<{ digest: Digest; document: Release }>`
    select digest, document from releases
    where service = ${next.service.name} and digest in (
      select served ->> 'active' from node_states, jsonb_array_elements(body -> 'services') as served
      where served ->> 'service' = ${next.service.name})
    order by digest`.execute(db);
  return new Map(
    rows.map(({ digest, document }) => [
      digest,
      { change: classOfChange(document, next), variants: document.model.variants },
    ]),
  );
}

/**
 * By node: of the releases of the service, those that it was planned for in several variants. It was told one after the other, and
 * which of them runs no report says: a rollout of the second may have been refused there.
 */
async function readDoubtful(db: Database, service: Name): Promise<ReadonlyMap<Name, readonly Digest[]>> {
  const { rows } = await sql<{ node: Name; releases: Digest[] }>`
    select node, array_agg(release) as releases from (
      select planned ->> 'node' as node, release from rollouts,
        jsonb_array_elements(state -> 'plan' -> 'waves') as wave, jsonb_array_elements(wave -> 'nodes') as planned
      where service = ${service} and release in (
        select served ->> 'active' from node_states, jsonb_array_elements(body -> 'services') as served
        where served ->> 'service' = ${service})
      group by 1, 2
      having count(distinct planned ->> 'variant') > 1) as doubtful
    group by node`.execute(db);
  return new Map(rows.map(({ node, releases }) => [node, releases]));
}

const nodesQuery = (db: Database, service: Name) =>
  db
    .selectFrom('nodes')
    .innerJoin('sites', 'sites.name', 'nodes.site')
    .leftJoin('node_states', 'node_states.node', 'nodes.name')
    .leftJoin('assignments', (join) =>
      join.onRef('assignments.node', '=', 'nodes.name').on('assignments.service', '=', service),
    )
    .orderBy('nodes.name')
    .select([
      'nodes.name',
      'nodes.site',
      'nodes.revoked_at',
      'sites.tier',
      'sites.labels',
      'sites.link_bytes_per_second',
      'node_states.body',
    ])
    .select([
      sql<Digest | null>`assignments.document -> 'release' ->> 'digest'`.as('told_release'),
      sql<AssignmentPhase | null>`assignments.document ->> 'phase'`.as('told_phase'),
    ]);

async function readNodes(db: Database, next: Release): Promise<readonly NodeFacts[]> {
  const changes = await readChanges(db, next);
  const doubtful = await readDoubtful(db, next.service.name);
  const rows = await nodesQuery(db, next.service.name).execute();
  const held = await readHeld(db);
  return rows.map((row) => {
    const mine = held.get(row.name) ?? [];
    const unsure = doubtful.get(row.name) ?? [];
    const known =
      unsure.length === 0 ? changes : new Map([...changes].filter(([release]) => !unsure.includes(release)));
    const named = new Set(row.body?.services.flatMap((it) => [it.active, it.lastGood, it.anchor]));
    return {
      node: row.name,
      site: row.site,
      tier: row.tier,
      labels: row.labels,
      linkBytesPerSecond: row.link_bytes_per_second,
      revoked: row.revoked_at !== null,
      reported: row.body === null ? null : reportedOf(row.body, toldOf(row), next, mine, known),
      files: [...new Set(mine.filter((it) => named.has(it.release)).flatMap(filesOf))],
      // No report says what the site's rules are (P6).
    };
  });
}

const toldOf = (row: { told_release: Digest | null; told_phase: AssignmentPhase | null }): Told | null =>
  row.told_release === null || row.told_phase === null ? null : { release: row.told_release, phase: row.told_phase };

const filesOf = ({ variant, documents }: Held): Digest[] => [
  variant.artifact.file,
  ...(variant.base === undefined ? [] : [variant.base.file]),
  ...documents,
];

function reportedOf(
  state: StateBody,
  told: Told | null,
  next: Release,
  held: readonly Held[],
  changes: Changes,
): ReportedNode {
  const mine = state.services.find((it) => it.service === next.service.name);
  const loaded = state.services.flatMap((it): LoadedModel[] => {
    const found = held.find((one) => one.release === it.active);
    if (found === undefined) return [];
    const { artifact, base, needs } = found.variant;
    const model = { service: it.service, release: found.release, memoryBytes: needs.memoryBytes };
    return [{ ...model, file: artifact.file, base: base?.file ?? null }];
  });
  return {
    class: state.class,
    protocol: state.protocol,
    active: mine?.active ?? null,
    lastGood: mine === undefined ? null : lastGoodOf(mine, told),
    halted: mine?.serving === 'halted',
    pinned: mine?.pinned ?? false,
    tooFewItems: state.suites.some((it) => it.suite === next.suite.digest && it.tooFewItems),
    loaded,
    changes: changesAt(mine?.active ?? null, next, held, changes),
  };
}

function changesAt(
  active: Digest | null,
  next: Release,
  held: readonly Held[],
  changes: Changes,
): ReportedNode['changes'] {
  const runs = held.find((it) => it.release === active)?.variant;
  const after = active === null ? undefined : changes.get(active);
  if (runs === undefined || after === undefined) return {};
  const serving = { variants: after.variants, runs };
  return Object.fromEntries(next.model.variants.map((it) => [it.variant, changeAtNode(after.change, serving, it).is]));
}

/** By node: the releases that it was ever told to take, with the variant that it was told. */
async function readHeld(db: Database): Promise<ReadonlyMap<Name, readonly Held[]>> {
  const { rows } = await sql<{
    node: Name;
    service: Name;
    variant: string;
    document: Release;
    file: Digest;
    digest: Digest;
  }>`
    select node_releases.node, node_releases.service, node_releases.variant,
      releases.digest, releases.artifact ->> 'file' as file,
      jsonb_build_object('model', jsonb_build_object('variants', releases.document -> 'model' -> 'variants'),
        'suite', releases.document -> 'suite') as document
    from node_releases join releases on releases.digest = node_releases.release`.execute(db);
  const held = new Map<Name, Held[]>();
  for (const { node, service, variant: name, digest, document, file } of rows) {
    const variant = document.model.variants.find((it) => it.variant === name);
    if (variant === undefined) continue;
    const documents = [file, document.suite.artifact.file];
    held.set(node, [...(held.get(node) ?? []), { release: digest, service, variant, documents }]);
  }
  return held;
}
