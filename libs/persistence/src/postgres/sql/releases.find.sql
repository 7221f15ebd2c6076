select *
from "releases"
where "service" = $1 and "number" = $2;
