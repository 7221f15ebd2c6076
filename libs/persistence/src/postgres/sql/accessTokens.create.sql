start transaction isolation level read committed;

insert into "access_tokens" ("name", "role", "digest", "expires_at")
values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4::float8))
on conflict ("name") do update
set "role" = $5, "digest" = $6, "expires_at" = clock_timestamp() + make_interval(secs => $7::float8), "created_at" = clock_timestamp(), "revoked_at" = $8
where ("access_tokens"."expires_at" <= clock_timestamp() or "access_tokens"."revoked_at" is not null)
returning "expires_at";

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
