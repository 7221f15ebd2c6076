import { sql, type Kysely } from 'kysely';

// The first schema. Times come from `clock_timestamp()`, never from a replica (T1).

export const name = '0001-first';

/** The oldest version of the control plane that can still run after this migration (V2). */
export const oldest = '0.1.0';

const stamped = 'timestamptz not null default clock_timestamp()';

const tables = `
  create table sites (
    name text primary key,
    tier text not null,
    labels jsonb not null,
    languages jsonb not null,
    time_zone text not null,
    link_bytes_per_second bigint,
    created_at ${stamped}
  );
  create table nodes (
    name text primary key,
    site text not null references sites,
    enrolment integer not null default 1,
    identity_key text not null,
    identity_key_id text not null,
    control_key text not null,
    bulk_key text not null,
    credentials_until timestamptz,
    enrolled_at ${stamped},
    revoked_at timestamptz,
    acked_through bigint not null default 0,
    newest_seq bigint not null default 0,
    newest_ledger jsonb
  );
  create index nodes_of_site on nodes (site);
  create table revoked_keys (key text primary key, node text not null references nodes, revoked_at ${stamped});
  create table enrolment_tokens (
    id text primary key,
    site text not null references sites,
    digest text not null unique,
    created_at ${stamped},
    expires_at timestamptz not null,
    used_by text,
    used_at timestamptz,
    check ((used_by is null) = (used_at is null))
  );
  create index enrolment_tokens_of_site on enrolment_tokens (site, id);
  create table access_tokens (
    name text primary key,
    digest text not null unique,
    role text not null,
    created_at ${stamped},
    expires_at timestamptz not null,
    revoked_at timestamptz
  );
  create table services (
    name text primary key,
    document jsonb not null,
    last_number integer not null default 0,
    created_at ${stamped}
  );
  create table artifacts (
    manifest text not null,
    family text not null,
    file text not null,
    size bigint not null,
    kind text not null,
    created_at ${stamped},
    primary key (manifest, family)
  );
  create table model_versions (
    name text not null,
    version text not null,
    family text not null,
    kind text not null,
    base_name text,
    base_version text,
    template jsonb not null,
    context_length integer not null,
    training_statement text not null,
    created_at ${stamped},
    retired_at timestamptz,
    primary key (name, version),
    foreign key (base_name, base_version) references model_versions
  );
  create table model_variants (
    name text not null,
    version text not null,
    variant text not null,
    position integer not null,
    artifact jsonb not null,
    base jsonb,
    needs jsonb not null,
    created_at ${stamped},
    primary key (name, version, variant),
    unique (name, version, position),
    foreign key (name, version) references model_versions
  );
  create table suites (
    name text not null,
    version integer not null,
    service text not null references services,
    digest text not null unique,
    artifact jsonb not null,
    document jsonb not null,
    created_at ${stamped},
    primary key (name, version)
  );
  create table releases (
    digest text primary key,
    service text not null references services,
    number integer not null,
    model_name text not null,
    model_version text not null,
    document jsonb not null,
    artifact jsonb not null,
    created_at ${stamped},
    created_by text not null,
    recalled_at timestamptz,
    recalled_by text,
    recalled_reason text,
    unique (service, number),
    foreign key (model_name, model_version) references model_versions
  );
  create index releases_recalled on releases (digest) where recalled_at is not null;
`;

const rollouts = `
  create table rollouts (
    id text primary key,
    position bigint generated always as identity unique,
    service text not null,
    release text not null,
    engine integer not null,
    version integer not null,
    open boolean not null,
    due_at timestamptz,
    state jsonb not null
  );
  create index rollouts_due on rollouts (due_at) where open;
  create index rollouts_open on rollouts (service) where open;
  create index rollouts_of_service on rollouts (service, position);
  create table rollout_nodes (
    rollout text not null references rollouts,
    node text not null references nodes,
    primary key (node, rollout)
  );
  create table rollout_marks (
    id bigint generated always as identity primary key,
    rollout text not null,
    due_at timestamptz not null
  );
  create index rollout_marks_due on rollout_marks (rollout, due_at);
  create table assignments (
    node text not null references nodes,
    service text not null,
    id text not null,
    rollout text not null,
    document jsonb not null,
    set_at ${stamped},
    primary key (node, service)
  );
  create table node_releases (
    node text not null references nodes,
    release text not null,
    service text not null,
    variant text not null,
    primary key (node, release)
  );
`;

const delivery = `
  create table desired (
    node text primary key references nodes,
    epoch integer not null,
    number bigint not null,
    revision bigint not null default 0,
    changed_at ${stamped}
  );
  create table outbox (
    node text primary key references nodes,
    site text not null,
    epoch integer not null,
    number bigint not null,
    created_at ${stamped},
    leased_until timestamptz
  );
  create index outbox_oldest on outbox (created_at, node);
  create table reports (
    node text not null references nodes,
    boot text not null,
    seq bigint not null,
    enrolment integer not null,
    stored_at ${stamped},
    ledger jsonb not null,
    body jsonb not null,
    primary key (node, seq, boot)
  );
  create index reports_by_age on reports (stored_at);
  create table node_states (
    node text primary key references nodes,
    boot text not null,
    seq bigint not null,
    stored_at timestamptz not null,
    body jsonb not null
  );
  create table evidence (
    assignment text not null,
    node text not null references nodes,
    boot text not null,
    seq bigint not null,
    stored_at timestamptz not null,
    body jsonb not null,
    primary key (assignment, node)
  );
  create index evidence_of_node on evidence (node);
  create table network_state (
    id integer primary key check (id = 1),
    epoch integer not null,
    read_only_since timestamptz,
    read_only_cause jsonb
  );
  insert into network_state (id, epoch) values (1, 1);
  create table idempotency_keys (
    key text primary key,
    request text not null,
    answer jsonb,
    created_at ${stamped}
  );
  create index idempotency_keys_by_age on idempotency_keys (created_at);
`;

const audit = `
  create table audit (
    id bigint generated always as identity primary key,
    at ${stamped},
    actor text not null,
    action text not null,
    subject text not null,
    details jsonb not null
  );
  create index audit_of_subject on audit (subject, id);
  create function refuse_to_change_audit() returns trigger language plpgsql as $$
    begin raise exception 'the audit is append only'; end $$;
  create trigger audit_is_append_only before update or delete on audit
    for each row execute function refuse_to_change_audit();
  create trigger audit_is_never_emptied before truncate on audit
    for each statement execute function refuse_to_change_audit();
`;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const part of [tables, rollouts, delivery, audit]) await sql.raw(part).execute(db);
}
