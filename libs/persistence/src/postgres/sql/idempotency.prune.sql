delete
from "idempotency_keys"
where "created_at" < clock_timestamp() + make_interval(secs => $1::float8);
