select "id"
from "rollouts"
where "release" = $1 and "open" = $2
order by "id";
