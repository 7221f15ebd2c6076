delete from node_renewals using (
  select node, nonce, row_number() over (partition by node order by at desc) as place from node_renewals
) as placed
where placed.node = node_renewals.node and placed.nonce = node_renewals.nonce and placed.place > $1;
