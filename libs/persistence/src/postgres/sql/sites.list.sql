select "sites".*, (select count(*) as "count" from "nodes" where "nodes"."site" = "sites"."name" and "nodes"."revoked_at" is null) as "nodes"
from "sites"
where "sites"."name" > $1
order by "sites"."name"
limit $2;
