start transaction isolation level read committed;

update "access_tokens"
set "revoked_at" = clock_timestamp()
where "name" = $1 and "revoked_at" is null;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
