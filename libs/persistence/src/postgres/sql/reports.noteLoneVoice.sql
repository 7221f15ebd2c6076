insert into audit (actor, action, subject, details)
select 'engine', 'generationNeverGiven', $1, $2::jsonb
from nodes
where nodes.name = $3 and not exists (
  select from audit
  where audit.subject = $4 and audit.action = 'generationNeverGiven' and audit.at >= nodes.enrolled_at
);
