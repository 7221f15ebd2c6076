import type { Name, Version } from '@openward/contracts';
import { sql, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What still stands on a model version, as a person reads it. */
export interface ModelUse {
  readonly kind: 'rollout' | 'node';
  readonly name: string;
  readonly service: Name;
  readonly number: number;
}

/**
 * Rollouts that may still bring one of its releases to a node, late ones too, or take one back to it; and nodes that serve one or have it as last
 * good, pinned or not. Revoked nodes hold nothing up. Of an anchor alone the files stay (D7), and nothing is selected.
 */
export async function readModelUses(
  trx: Transaction<Schema>,
  name: Name,
  version: Version,
): Promise<readonly ModelUse[]> {
  const { rows } = await sql<ModelUse>`
    with mine as (
      select digest, service, number from releases where model_name = ${name} and model_version = ${version}
    ),
    told as (
      select rollouts.id, planned.digest
      from rollouts,
        lateral (
          select release as digest
          union
          select unnest(array[node ->> 'from', node ->> 'rollbackTarget'])
          from jsonb_array_elements(state -> 'plan' -> 'waves') as wave, jsonb_array_elements(wave -> 'nodes') as node
          where state -> 'life' ->> 'kind' in ('running', 'rollingBack')
        ) as planned (digest)
      where rollouts.open and exists (
        select from jsonb_each(state -> 'nodes') as its (node, value)
        join nodes on nodes.name = its.node and nodes.revoked_at is null
        where its.value ->> 'takenBy' is null
          and (state -> 'life' ->> 'kind' in ('running', 'rollingBack')
            or state -> 'life' ->> 'kind' = 'completed'
              and (its.value -> 'late')::boolean and its.value ->> 'phase' = 'proceed')
      )
    ),
    held as (
      select nodes.name, said.digest
      from node_states join nodes on nodes.name = node_states.node and nodes.revoked_at is null,
        jsonb_array_elements(node_states.body -> 'services') as service,
        lateral (values (service ->> 'active'), (service ->> 'lastGood')) as said (digest)
    )
    select distinct 'rollout' as kind, told.id as name, mine.service, mine.number from told join mine using (digest)
    union
    select distinct 'node', held.name, mine.service, mine.number from held join mine using (digest)
    order by 1 desc, 2, 4`.execute(trx);
  return rows;
}
