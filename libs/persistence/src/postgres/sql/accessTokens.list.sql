select "name", "role", "created_at", "expires_at", "revoked_at"
from "access_tokens"
where "name" > $1
order by "name"
limit $2;
