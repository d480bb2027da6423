-- Runs: groups of jobs with live counters. A batch is a run of independent jobs.

create table runs (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  kind text not null check (kind in ('batch')),
  owner_id bigint not null,
  name text not null,
  description text,
  -- Jobs that it was made with; they all came in one transaction.
  size integer not null check (size > 0),
  created_at timestamptz not null default now(),
  -- Start of the first job; end of the last one, or when somebody forced it to be complete.
  started_at timestamptz,
  ended_at timestamptz,
  forced_at timestamptz,
  cancel_requested_at timestamptz,
  -- Public id of the run whose jobs it repeats.
  rerun_of text,
  -- The template that it was made from.
  template text,
  -- [{"channel": name, "on": [...]}]: who is told of its end.
  notify jsonb not null default '[]'
);
create index runs_owner on runs (owner_id, id);
create index runs_open on runs (id) where ended_at is null;
create index runs_rerun on runs (rerun_of) where rerun_of is not null;

-- `run_index`: its place in the submitted list.
alter table jobs add column run_id bigint, add column run_index integer;
create index jobs_run on jobs (run_id, state, id) where run_id is not null;

alter table idempotency_keys add column run_id text;

-- How many jobs of a run are in each state: as `job_counts`, a transaction appends what it changed and upkeep folds it.
-- A job that is removed later stays counted: the counts say how the run went.
create table run_counts (
  run_id bigint not null references runs on delete cascade,
  state text not null,
  jobs bigint not null,
  primary key (run_id, state)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);

create table run_count_deltas (
  run_id bigint not null,
  state text not null,
  jobs bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
create index run_count_deltas_run on run_count_deltas (run_id);

create or replace function count_jobs() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into job_count_deltas select owner_id, queue_id, state, count(*), sum(log_bytes) from new_rows group by 1, 2, 3;
    insert into run_count_deltas
    select run_id, state, count(*) from new_rows where run_id is not null group by 1, 2;
  elsif tg_op = 'DELETE' then
    insert into job_count_deltas select owner_id, queue_id, state, -count(*), -sum(log_bytes) from old_rows group by 1, 2, 3;
  else
    insert into job_count_deltas
    select owner_id, queue_id, state, sum(n), sum(bytes) from (
      select owner_id, queue_id, state, 1 as n, log_bytes as bytes from new_rows
      union all select owner_id, queue_id, state, -1, -log_bytes from old_rows
    ) moved group by 1, 2, 3 having sum(n) <> 0 or sum(bytes) <> 0;
    if exists (select from new_rows where run_id is not null) then
      insert into run_count_deltas
      select run_id, state, sum(n) from (
        select run_id, state, 1 as n from new_rows where run_id is not null
        union all select run_id, state, -1 from old_rows where run_id is not null
      ) moved group by 1, 2 having sum(n) <> 0;
      -- Told when the transaction commits; the same words twice in one are one.
      perform pg_notify('runyard_runs', run_id::text) from (select distinct run_id from new_rows where run_id is not null) r;
    end if;
  end if;
  return null;
end $$;

-- What a batch is made of, stored under a name: `{{params.x}}` and `{{matrix.x}}` are filled in when it is used.
create table batch_templates (
  id bigint generated always as identity primary key,
  owner_id bigint not null,
  name text not null,
  description text,
  -- Everyone may use it; only its owner and administrators change it.
  shared boolean not null default false,
  -- As it was written: jsonb would put the keys, and so the axes, in another order.
  body json not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index batch_templates_name on batch_templates (owner_id, name);
