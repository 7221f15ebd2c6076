import type { NodeView } from '@openward/contracts';
import { clockIn, instantOf, type Database } from './database.ts';
import { isContradicted, LINKS_KNOWN_FOR_MS } from './node-links.repository.ts';

export const selectNodes = (db: Database) =>
  db
    .selectFrom('nodes')
    .innerJoin('sites', 'sites.name', 'nodes.site')
    .leftJoin('node_states', 'node_states.node', 'nodes.name')
    .leftJoin('network_state', (join) => join.on('network_state.links_seen_at', '>', clockIn(-LINKS_KNOWN_FOR_MS)))
    .leftJoin('node_links', (join) =>
      join
        .onRef('node_links.node', '=', 'nodes.name')
        .on('network_state.links_seen_at', 'is not', null)
        .on((eb) => eb.not(isContradicted)),
    )
    .select([
      'nodes.name',
      'nodes.site',
      'nodes.acked_through',
      'nodes.enrolled_at',
      'nodes.credentials_until',
      'nodes.revoked_at',
      'nodes.identity_key_id',
      'sites.tier',
      'node_states.body',
      'node_states.stored_at',
      'node_links.connected',
      'node_links.since',
    ]);

type Row = Awaited<ReturnType<ReturnType<typeof selectNodes>['execute']>>[number];

export function nodeViewOf(row: Row): NodeView {
  const state = row.body;
  return {
    name: row.name,
    site: row.site,
    tier: row.tier,
    agentVersion: state?.agentVersion ?? null,
    protocol: state?.protocol ?? null,
    class: state?.class ?? null,
    generation: state?.generation ?? null,
    services: state?.services ?? [],
    lastReportAt: row.stored_at === null ? null : instantOf(row.stored_at),
    link:
      row.connected === null || row.since === null ? null : { connected: row.connected, since: instantOf(row.since) },
    ackedThrough: row.acked_through,
    enrolledAt: instantOf(row.enrolled_at),
    credentialsUntil: row.credentials_until === null ? null : instantOf(row.credentials_until),
    revokedAt: row.revoked_at === null ? null : instantOf(row.revoked_at),
    identityKeyId: row.identity_key_id,
  };
}
