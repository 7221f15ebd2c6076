import type { Generation, Name } from '@openward/contracts';
import type { ReportStore } from '@openward/rollout';
import { sql } from 'kysely';
import { json, type Database } from './database.ts';

/** A node that reports a generation above what is held for it (D6). */
export interface NodeAhead {
  readonly node: Name;
  readonly site: Name;
  readonly reported: Generation;
  readonly held: Generation | null;
}

/** By each node's newest state; revoked nodes are not asked. */
export async function aheadOf(db: Database): Promise<readonly NodeAhead[]> {
  const { rows } = await sql<NodeAhead>`
    select nodes.name as node, nodes.site, node_states.body -> 'generation' as reported,
      case when desired.node is null then null
      else jsonb_build_object('epoch', desired.epoch, 'number', desired.number) end as held
    from node_states
    join nodes on nodes.name = node_states.node and nodes.revoked_at is null
    left join desired on desired.node = nodes.name
    where node_states.body -> 'generation' ->> 'epoch' is not null
      and (
        desired.node is null
        or ((node_states.body -> 'generation' ->> 'epoch')::bigint, (node_states.body -> 'generation' ->> 'number')::bigint)
          > (desired.epoch, desired.number)
      )
    order by nodes.name`.execute(db);
  return rows;
}

export const postgresVoices = (db: Database): Pick<ReportStore, 'voices' | 'noteLoneVoice'> => ({
  async voices() {
    const ahead = await aheadOf(db);
    const { sites } = await db
      .selectFrom('nodes')
      .where('revoked_at', 'is', null)
      .select(({ fn }) => fn.count<number>('site').distinct().as('sites'))
      .executeTakeFirstOrThrow();
    return { ahead: [...new Set(ahead.map((it) => it.site))], enrolledSites: sites };
  },

  async noteLoneVoice(why) {
    // Once for each enrolment of the node: a liar could say another number in each report. Two replicas may each write one.
    const subject = `node:${why.node}`;
    await sql`
      insert into audit (actor, action, subject, details)
      select 'engine', 'generationNeverGiven', ${subject}, ${json(why)}::jsonb
      from nodes
      where nodes.name = ${why.node} and not exists (
        select from audit
        where audit.subject = ${subject} and audit.action = 'generationNeverGiven' and audit.at >= nodes.enrolled_at
      )`.execute(db);
  },
});
