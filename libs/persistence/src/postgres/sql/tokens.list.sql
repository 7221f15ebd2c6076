select *
from "enrolment_tokens"
where "site" = $1 and "id" > $2
order by "id"
limit $3;
