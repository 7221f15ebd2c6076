select *
from "nodes"
where "name" = $1;
