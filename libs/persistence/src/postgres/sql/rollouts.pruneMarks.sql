delete
from "rollout_marks" using "rollouts"
where "rollouts"."id" = "rollout_marks"."rollout" and "rollouts"."open" = $1;
