start transaction isolation level read committed;

select "acked_through"
from "nodes"
where "name" = $1 and "revoked_at" is null;

commit;
