select *
from "audit"
where "id" < $1 and "subject" = $2
order by "id" desc
limit $3;
