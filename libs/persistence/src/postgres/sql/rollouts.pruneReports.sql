delete from reports using nodes
where nodes.name = reports.node and reports.stored_at < clock_timestamp() + make_interval(secs => $1::float8)
  and (reports.enrolment < nodes.enrolment or reports.seq <= nodes.acked_through);
