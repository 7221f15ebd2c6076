select "digest", "artifact", "document"
from "suites"
where "name" = $1 and "version" = $2;
