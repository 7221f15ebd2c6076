start transaction isolation level read committed;

update "network_state"
set "read_only_since" = clock_timestamp(), "read_only_cause" = $1
where "read_only_since" is null;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
