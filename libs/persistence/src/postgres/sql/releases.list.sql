select *
from "releases"
where "service" = $1 and "number" < $2
order by "number" desc
limit $3;
