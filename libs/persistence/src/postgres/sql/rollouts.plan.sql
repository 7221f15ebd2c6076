select state -> 'plan' as "plan"
from "rollouts"
where "id" = $1;
