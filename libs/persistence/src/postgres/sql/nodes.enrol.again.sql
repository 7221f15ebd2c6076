start transaction isolation level read committed;

select "id", "site", "used_by", "expires_at" <= clock_timestamp() as "is_expired"
from "enrolment_tokens"
where "digest" = $1
for update;

update "nodes"
set "identity_key" = $1, "identity_key_id" = $2, "control_key" = $3, "bulk_key" = $4, "credentials_until" = $5
where "name" = $6 and "name" = $7 and "identity_key" = $8 and "revoked_at" is null;

commit;
