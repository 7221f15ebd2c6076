with free as (
  select node from outbox
  where leased_until is null or leased_until <= clock_timestamp()
  order by created_at, node
  limit $1
  for update skip locked
)
update outbox set leased_until = clock_timestamp() + make_interval(secs => $2::float8)
from free where outbox.node = free.node
returning outbox.site, outbox.node, outbox.created_at;
