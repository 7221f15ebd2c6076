delete
from "outbox"
where "node" = $1;
