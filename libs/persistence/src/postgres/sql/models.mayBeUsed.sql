select "retired_at"
from "model_versions"
where "name" = $1 and "version" = $2
for share;
