select "nodes"."name", "nodes"."site", "nodes"."acked_through", "nodes"."enrolled_at", "nodes"."credentials_until", "nodes"."revoked_at", "nodes"."identity_key_id", "sites"."tier", "node_states"."body", "node_states"."stored_at"
from "nodes"
inner join "sites" on "sites"."name" = "nodes"."site"
left join "node_states" on "node_states"."node" = "nodes"."name"
where "nodes"."name" > $1 and "nodes"."site" = $2
order by "nodes"."name"
limit $3;
