select "state", "version"
from "rollouts"
where "id" = $1;
