select *
from "network_state";
