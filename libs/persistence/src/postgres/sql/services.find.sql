select *
from "services"
where "name" = $1;
