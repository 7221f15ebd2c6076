select *
from "services"
where "name" > $1
order by "name"
limit $2;
