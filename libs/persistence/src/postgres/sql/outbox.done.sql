start transaction isolation level read committed;

update "desired"
set "revision" = $1
where "node" = $2 and "revision" < $3;

delete
from "outbox"
where "node" = $1 and (epoch, number) <= ($2, $3);

update "outbox"
set "leased_until" = $1
where "node" = $2;

commit;
