select "id", "revision", "digest", "created_at", "created_by", document ->> 'description' as "description", document -> 'languages' as "languages", jsonb_array_length(document -> 'rules') as "rules", jsonb_array_length(document -> 'tests') as "tests", document ->> 'notBefore' as "not_before", document ->> 'expires' as "expires", "document"
from "policy_revisions"
where "id" = $1 and "revision" = $2;
