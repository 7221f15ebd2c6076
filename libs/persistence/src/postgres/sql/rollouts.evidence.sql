select "assignment", "node", "stored_at", "body"
from "evidence"
where "assignment" >= $1 and "assignment" < $2 and split_part(assignment, '.', 2) = node
order by "assignment";
