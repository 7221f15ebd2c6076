insert into outbox (node, site, epoch, number)
select nodes.name, nodes.site, desired.epoch, desired.number
from desired join nodes on nodes.name = desired.node
where nodes.revoked_at is null
order by nodes.name
on conflict (node) do update set leased_until = null;
