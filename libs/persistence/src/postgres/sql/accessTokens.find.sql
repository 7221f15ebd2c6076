select "name", "role"
from "access_tokens"
where "digest" = $1 and "expires_at" > clock_timestamp() and "revoked_at" is null;
