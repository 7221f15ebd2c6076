select "name", "version", "service", "digest", "created_at", jsonb_array_length(document -> 'items') as "items", document -> 'gates' @> '[{"set": "own"}]' as "reads_site_data"
from "suites"
where "service" = $1 and (name, -version) > ($2, $3::bigint)
order by "name", "version" desc
limit $4;
