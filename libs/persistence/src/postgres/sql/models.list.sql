select "model_versions".*, (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('variant', variant, 'artifact', artifact, 'base', base, 'needs', needs)) order by position), '[]') as "list" from "model_variants" where "model_variants"."name" = "model_versions"."name" and "model_variants"."version" = "model_versions"."version") as "variants"
from "model_versions"
where "name" = $1 and (name, version) > ($2, $3)
order by "name", "version"
limit $4;
