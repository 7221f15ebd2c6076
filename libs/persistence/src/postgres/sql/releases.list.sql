select "digest", "service", "number", "model_name", "model_version", "created_at", "created_by", "recalled_at", "recalled_by", "recalled_reason", document ->> 'change' as "change", document -> 'policy' ->> 'id' as "policy_id", (document -> 'policy' ->> 'revision')::int as "policy_revision", document -> 'suite' ->> 'name' as "suite_name", (document -> 'suite' ->> 'version')::int as "suite_version"
from "releases"
where "service" = $1 and "number" < $2
order by "number" desc
limit $3;
