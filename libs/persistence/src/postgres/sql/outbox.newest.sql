select "desired"."epoch", "desired"."number", "desired"."revision", "nodes"."acked_through", clock_timestamp() as "now", (select coalesce(jsonb_agg(assignments.document), '[]') as "documents" from "assignments" where "assignments"."node" = "nodes"."name") as "assignments", (select coalesce(jsonb_agg(releases.digest), '[]') as "digests" from "releases" where "releases"."recalled_at" is not null) as "recalled"
from "nodes"
inner join "desired" on "desired"."node" = "nodes"."name"
where "nodes"."name" = $1 and "nodes"."site" = $2 and "nodes"."revoked_at" is null;
