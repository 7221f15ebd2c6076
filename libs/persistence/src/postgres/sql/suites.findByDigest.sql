select "digest", "artifact", "document"
from "suites"
where "digest" = $1;
