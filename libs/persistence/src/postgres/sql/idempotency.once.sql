start transaction isolation level read committed;

insert into "idempotency_keys" ("key", "request")
values ($1, $2)
on conflict do nothing;

update "idempotency_keys"
set "answer" = $1
where "key" = $2;

commit;
