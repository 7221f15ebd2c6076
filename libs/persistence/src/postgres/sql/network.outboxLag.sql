select count(*) as nodes,
  coalesce(floor(extract(epoch from clock_timestamp() - min(created_at)) * 1000), 0)::float8 as oldest_ms
from outbox;
