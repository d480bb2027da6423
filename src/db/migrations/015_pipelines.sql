-- Pipelines: definitions with all their versions, runs of them with admission, and the tasks of each run.

create table pipelines (
  id bigint generated always as identity primary key,
  name text not null unique,
  -- `file`: read from a pipelines.yml under `root`; `stored`: put through the API by `owner_id`.
  source text not null check (source in ('file', 'stored')),
  path text,
  root text,
  owner_id bigint references users,
  -- Number of the version in force.
  version integer not null,
  -- [{file, line, column, message}]: what is wrong with the newest source; `version` stays in force.
  problems jsonb not null default '[]',
  -- Its file is gone or it was deleted: no new runs; history stays until its runs are.
  gone_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((source = 'file') = (path is not null))
);

create table pipeline_versions (
  id bigint generated always as identity primary key,
  pipeline_id bigint not null references pipelines on delete cascade,
  number integer not null,
  -- SHA-256 of the definition: the same content is no new version.
  hash text not null,
  -- Not jsonb, which would lose the order of the keys: forms ask for the parameters as they were written.
  definition json not null,
  -- As it was written, for people and for the diff.
  source text not null,
  -- Username; null: read from a file.
  created_by text,
  created_at timestamptz not null default now(),
  unique (pipeline_id, number)
);

-- Project directories that a server loads; a pipeline of a root that no server loads any more is gone.
create table pipeline_roots (
  server_id bigint not null references servers on delete cascade,
  root text not null,
  -- As of a pipeline, of files and definitions there of which none is in force.
  problems jsonb not null default '[]',
  loaded_at timestamptz not null default now(),
  primary key (server_id, root)
);

alter table runs drop constraint runs_kind_check, add constraint runs_kind_check check (kind in ('batch', 'pipeline'));
-- Lists are of one kind, and pipelines that run on a schedule soon have many more runs than there are batches.
create index runs_kind on runs (kind, id);
drop index runs_owner;
create index runs_owner on runs (owner_id, kind, id);
alter table runs drop constraint runs_size_check, add constraint runs_size_check check (size > 0 or kind = 'pipeline');

-- Beside its row in `runs` (owner, times, cancel, counters of its jobs).
create table pipeline_runs (
  run_id bigint primary key references runs on delete cascade,
  -- prunner's job id.
  uuid uuid not null unique,
  pipeline_id bigint not null references pipelines,
  -- The definition that it was made with holds to its end.
  version_id bigint not null references pipeline_versions,
  state text not null check (state in ('waiting', 'running', 'ended')),
  result text check (result in ('succeeded', 'failed', 'cancelled')),
  -- When it left the waiting list.
  admitted_at timestamptz,
  -- Of a start delay: it may not leave the waiting list before.
  not_before timestamptz,
  -- Which place of the waiting list it took over: a replacing run waits where the replaced one did.
  queue_partition text,
  variables json not null default '{}',
  -- prunner's `user`: the name that a host application gave; no account.
  label text,
  trigger text not null check (trigger in ('manual', 'schedule', 'pipeline', 'rerun')),
  -- The task of another run that waits for this one.
  parent_run_id bigint,
  parent_task text,
  parent_item integer,
  depth integer not null default 0,
  -- What it failed of, in words.
  last_error text,
  check ((state = 'ended') = (result is not null))
);
create index pipeline_runs_open on pipeline_runs (pipeline_id, state, run_id) where state <> 'ended';
create index pipeline_runs_pipeline on pipeline_runs (pipeline_id, run_id);
create index pipeline_runs_version on pipeline_runs (version_id);
create unique index pipeline_runs_parent on pipeline_runs (parent_run_id, parent_task, parent_item)
  where parent_run_id is not null;

create table run_tasks (
  run_id bigint not null references runs on delete cascade,
  name text not null,
  -- -1: the task itself, always there. From 0: its instances, when it fans out over a list.
  item integer not null default -1,
  -- Place in topological order, ties by name.
  position integer not null,
  state text not null check (state in ('waiting', 'running', 'approval', 'done', 'failed', 'cancelled', 'skipped')),
  -- Public id of its job; of a task that did not run again, of the earlier run's.
  job_id text,
  -- Public id of the run of its sub-pipeline.
  child_run text,
  -- Of an instance: what `item` is in its templates.
  value json,
  started_at timestamptz,
  ended_at timestamptz,
  exit_code integer,
  error text,
  -- {name: value}, as its job wrote them.
  outputs jsonb,
  cancel_requested_at timestamptz,
  -- Of an approval.
  decision text check (decision in ('approved', 'rejected', 'timed_out')),
  decided_by text,
  decided_at timestamptz,
  note text,
  primary key (run_id, name, item)
);
create index run_tasks_job on run_tasks (job_id) where job_id is not null;
-- What a step of the engine looks at: not the thousands that wait or are over.
create index run_tasks_open on run_tasks (run_id) where state in ('running', 'approval');

-- {name: value}: small results that the job wrote to $RUNYARD_OUTPUT, in the transaction of its end.
alter table jobs add column outputs jsonb;
