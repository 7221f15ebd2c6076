select "key", "revoked_at"
from "revoked_keys"
order by "key";
