select "digest"
from "releases"
where "recalled_at" is not null
order by "digest";
