import { assignmentId, type Name } from '@openward/contracts';
import type { NodeInput, RolloutState } from '@openward/rollout';
import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * A node that enrolled anew counts its reports from 1 again. To a rollout its sequence runs on, or the rollout would take what
 * it says for older than what the machine before it said.
 */
const PER_ENROLMENT = 2 ** 40;

/** The newest state of each node, and the newest evidence for its present assignment. Nodes that never reported are left out. */
export async function readInputs(
  db: Database,
  state: RolloutState,
  inputsOf: readonly Name[] | 'all',
): Promise<readonly NodeInput[]> {
  const names = inputsOf === 'all' ? Object.keys(state.nodes) : inputsOf.filter((name) => name in state.nodes);
  if (names.length === 0) return [];
  const assignments = names.map((name) => assignmentId(state.id, name, state.nodes[name]?.attempt ?? 1));
  const { rows } = await inputsQuery(state.service, names, assignments).execute(db);
  return rows;
}

const inputsQuery = (service: Name, names: readonly Name[], assignments: readonly string[]) => sql<NodeInput>`
  select
    wanted.node,
    newest.boot,
    newest.seq + (nodes.enrolment - 1) * ${PER_ENROLMENT}::bigint as seq,
    floor(extract(epoch from newest.stored_at) * 1000)::float8 as at,
    (
      select service from jsonb_array_elements(newest.body -> 'services') as service
      where service ->> 'service' = ${service} limit 1
    ) as service,
    evidence.body as evidence
  from unnest(${names}::text[], ${assignments}::text[]) as wanted (node, assignment)
  join nodes on nodes.name = wanted.node
  join node_states as newest on newest.node = wanted.node
  left join evidence on evidence.assignment = wanted.assignment and evidence.node = wanted.node
  order by wanted.node`;
