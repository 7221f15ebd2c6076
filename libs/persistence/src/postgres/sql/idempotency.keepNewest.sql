delete
from "idempotency_keys"
where "key" in (select "key" from "idempotency_keys" where starts_with(key, $1) order by "created_at" desc, "key" offset $2);
