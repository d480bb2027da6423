-- A bounded history: what is kept of ended jobs, counted exactly, so that no list and no limit ever has to count rows.

-- Null: the installation's own (RUNYARD_RETAIN_DAYS, RUNYARD_RETAIN_COUNT). 0: no limit.
alter table queues
  add column retain_days double precision check (retain_days >= 0),
  add column retain_count integer check (retain_count >= 0);

-- Bytes of the sealed logs of all its attempts; rises in the transaction that writes `attempts.log`.
alter table jobs add column log_bytes bigint not null default 0;
update jobs j set log_bytes = sized.bytes
from (select job_id, sum((log->>'length')::bigint) as bytes from attempts where log is not null group by job_id) sized
where sized.job_id = j.id and sized.bytes > 0;

-- Lists ask for the newest of a kind (owner, queue, state); pruning asks for the oldest of a queue or of an owner.
drop index jobs_owner;
drop index jobs_state;
drop index jobs_ended;
create index jobs_kind on jobs (owner_id, queue_id, state, id);
create index jobs_ended_of_queue on jobs (queue_id, ended_at) where ended_at is not null;
create index jobs_ended_of_owner on jobs (owner_id, ended_at) where ended_at is not null;
create index jobs_rerun on jobs (rerun_of, id) where rerun_of is not null;
-- Over, and nobody has written down yet how long the log is.
create index attempts_unsized on attempts (ended_at) where ended_at is not null and log is null;

-- How many jobs there are of each kind, and the bytes of their logs. A transaction only appends what it changed, so no
-- two of them wait for one row; upkeep folds the deltas into the counts. The sum of both is exact in every snapshot.
create table job_counts (
  owner_id bigint not null,
  queue_id bigint not null,
  state text not null,
  jobs bigint not null,
  log_bytes bigint not null,
  primary key (owner_id, queue_id, state)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);

create table job_count_deltas (
  owner_id bigint not null,
  queue_id bigint not null,
  state text not null,
  jobs bigint not null,
  log_bytes bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

insert into job_counts select owner_id, queue_id, state, count(*), sum(log_bytes) from jobs group by 1, 2, 3;

create function count_jobs() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into job_count_deltas select owner_id, queue_id, state, count(*), sum(log_bytes) from new_rows group by 1, 2, 3;
  elsif tg_op = 'DELETE' then
    insert into job_count_deltas select owner_id, queue_id, state, -count(*), -sum(log_bytes) from old_rows group by 1, 2, 3;
  else
    insert into job_count_deltas
    select owner_id, queue_id, state, sum(n), sum(bytes) from (
      select owner_id, queue_id, state, 1 as n, log_bytes as bytes from new_rows
      union all select owner_id, queue_id, state, -1, -log_bytes from old_rows
    ) moved group by 1, 2, 3 having sum(n) <> 0 or sum(bytes) <> 0;
  end if;
  return null;
end $$;
create trigger count_inserted after insert on jobs referencing new table as new_rows
  for each statement execute function count_jobs();
create trigger count_updated after update on jobs referencing old table as old_rows new table as new_rows
  for each statement execute function count_jobs();
create trigger count_deleted after delete on jobs referencing old table as old_rows
  for each statement execute function count_jobs();

-- What a claim reads of attempts are the few open ones; dead entries among them are what slows it down.
alter table attempts set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05);
alter table job_dependencies set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table lanes set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table queues set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
alter table runners set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
alter table idempotency_keys set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
