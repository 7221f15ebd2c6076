select "epoch", "number"
from "desired"
where "node" = $1;
