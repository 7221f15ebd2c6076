start transaction isolation level read committed;

insert into "sites" ("name", "tier", "labels", "languages", "time_zone", "link_bytes_per_second")
values ($1, $2, $3, $4, $5, $6)
on conflict do nothing;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
