start transaction isolation level read committed;

update "model_versions"
set "retired_at" = clock_timestamp()
where "name" = $1 and "version" = $2 and "retired_at" is null;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
