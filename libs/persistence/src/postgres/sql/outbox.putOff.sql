update "outbox"
set "leased_until" = clock_timestamp() + make_interval(secs => $1::float8)
where "node" = $2;
