select "manifest", "file", "size", "family"
from "artifacts"
where "manifest" = $1 and "family" = $2;
