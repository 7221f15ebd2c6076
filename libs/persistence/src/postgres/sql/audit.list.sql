select *
from "audit"
where "id" < $1 and "subject" in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
order by "id" desc
limit $13;
