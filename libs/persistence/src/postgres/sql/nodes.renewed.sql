update "nodes"
set "control_key" = $1, "bulk_key" = $2, "credentials_until" = $3
where "name" = $4 and "revoked_at" is null;
