-- Where a job may run beside the labels of runners: near or apart from other jobs, spread or packed.

-- The job's own labels (`k=v`, sorted), by which placement rules of others and lists find it.
alter table jobs add column labels text[];

-- A placement rule decides who may take a job, so it is part of what a lane is.
alter table lanes add column placement jsonb not null default '{}';
alter table lanes drop constraint lanes_queue_id_owner_id_executor_required_labels_cpu_millis_key;
alter table lanes add constraint lanes_alike
  unique (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib, placement);
