delete
from "node_keys"
where "valid_until" < clock_timestamp() + make_interval(secs => $1::float8);
