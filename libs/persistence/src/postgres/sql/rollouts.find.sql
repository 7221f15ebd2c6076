select "position", "state", "version", floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "now"
from "rollouts"
where "id" = $1;
