select "name"
from "services"
where "name" = $1
for update;

select *
from "releases"
where "service" = $1 and "model_name" = $2 and "model_version" = $3 and document -> 'policy' ->> 'id' = $4 and (document -> 'policy' ->> 'revision')::int = $5 and document -> 'suite' ->> 'name' = $6 and (document -> 'suite' ->> 'version')::int = $7 and "recalled_at" is null
order by "number" desc
limit $8;
