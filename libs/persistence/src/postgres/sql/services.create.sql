start transaction isolation level read committed;

insert into "services" ("name", "document")
values ($1, $2)
on conflict do nothing;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
