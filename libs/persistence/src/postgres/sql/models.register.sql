start transaction isolation level read committed;

insert into "model_versions" ("name", "version", "family", "kind", "base_name", "base_version", "template", "context_length", "training_statement")
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing;

select "name"
from "model_versions"
where "name" = $1 and "version" = $2
for no key update;

select "model_versions".*, (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('variant', variant, 'artifact', artifact, 'base', base, 'needs', needs)) order by position), '[]') as "list" from "model_variants" where "model_variants"."name" = "model_versions"."name" and "model_variants"."version" = "model_versions"."version") as "variants"
from "model_versions"
where "name" = $1 and "version" = $2;

insert into "artifacts" ("manifest", "family", "file", "size", "kind")
values ($1, $2, $3, $4, $5)
on conflict do nothing;

insert into "model_variants" ("name", "version", "variant", "position", "artifact", "base", "needs")
values ($1, $2, $3, $4, $5, $6, $7);

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
