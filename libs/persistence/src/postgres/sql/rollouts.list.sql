select "position", "state", "version", floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "now"
from "rollouts"
where "service" = $1 and "open" = $2 and "position" < $3
order by "position" desc
limit $4;
