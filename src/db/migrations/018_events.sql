-- Events: stored automations with all their versions, their runs, and what helpers of an attempt said.

create table events (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  owner_id bigint not null references users,
  name text not null,
  -- Of the version in force, for lists.
  kind text not null check (kind in ('bash', 'python', 'node', 'http', 'message', 'pipeline')),
  status text not null default 'draft' check (status in ('draft', 'active', 'paused', 'archived')),
  -- Everyone may see and run it; only its owner and administrators change it.
  shared boolean not null default false,
  tags text[] not null default '{}',
  -- Number of the version in force.
  version integer not null,
  -- Runs that count towards `max_executions`.
  executions integer not null default 0,
  -- Why a trigger started nothing, in words; null again with the next start.
  problem text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index events_name on events (owner_id, lower(name)) where status <> 'archived';
create index events_owner on events (owner_id, id);

create table event_versions (
  id bigint generated always as identity primary key,
  event_id bigint not null references events on delete cascade,
  number integer not null,
  -- SHA-256 of the definition: the same content is no new version.
  hash text not null,
  -- Not jsonb, which would lose the order of the keys.
  definition json not null,
  note text,
  created_by text not null,
  created_at timestamptz not null default now(),
  unique (event_id, number)
);

create table event_runs (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  event_id bigint not null references events on delete cascade,
  -- Of the event when it ran; null: a test of a definition that was not saved.
  version integer,
  -- What it ran with: of a test, or what a template made of it, the version does not tell.
  definition json not null,
  -- In whose name: the event's owner.
  owner_id bigint not null,
  trigger text not null check (trigger in ('manual', 'api', 'schedule', 'webhook', 'job', 'event', 'pipeline', 'action',
    'test', 'redrive')),
  -- {by, schedule, tick, webhook, delivery, run, action, job}: who or what began it.
  cause jsonb not null default '{}',
  -- Public id of the job that does it; null: it waits for a free place, or it is a pipeline's run.
  job_id text,
  pipeline_run_id text,
  -- Content type of its input; null: it has none. The bytes are here, or another job's file.
  input_type text,
  input bytea,
  input_artifact bigint references artifacts on delete set null,
  input_bytes bigint,
  -- How many runs led to it, one after the other, and the first of them.
  depth integer not null default 0,
  root_run text,
  -- Its end, written with everything that follows from it, once. Until then its job tells.
  settled_at timestamptz,
  end_state text check (end_state in ('succeeded', 'failed', 'timed_out', 'oom_killed', 'cancelled', 'lost', 'skipped')),
  -- For statistics, which outlive the job: from its beginning to its end, and before that.
  started_at timestamptz,
  ended_at timestamptz,
  exit_code integer,
  error text,
  cpu_ms bigint,
  memory_bytes bigint,
  attempts integer,
  created_at timestamptz not null default now(),
  check ((settled_at is null) = (end_state is null))
);
create index event_runs_event on event_runs (event_id, id);
create index event_runs_owner on event_runs (owner_id, id);
-- Whoever began a run of somebody else's event sees it.
create index event_runs_by on event_runs ((cause->>'by'), id) where cause->>'by' is not null;
create index event_runs_job on event_runs (job_id) where job_id is not null;
create index event_runs_pipeline on event_runs (pipeline_run_id) where pipeline_run_id is not null;
create index event_runs_open on event_runs (id) where settled_at is null;
-- For statistics, with all that they look at: a definition makes a row wide.
create index event_runs_ended on event_runs (ended_at)
  include (event_id, owner_id, trigger, end_state, created_at, started_at, settled_at, cpu_ms, memory_bytes)
  where ended_at is not null;
create index event_runs_root on event_runs (root_run) where root_run is not null;

-- What an attempt said by its helpers (src/runtime-helpers/PROTOCOL.md). The last attempt's counts.
create table attempt_results (
  job_id bigint not null references jobs on delete cascade,
  number integer not null,
  condition boolean,
  output_type text,
  -- A small output; a large one is an artefact of the attempt.
  output bytea,
  output_artifact bigint references artifacts on delete set null,
  output_bytes bigint,
  -- 0 to 100, and a line beside it, while it runs.
  progress real check (progress between 0 and 100),
  status_text text,
  updated_at timestamptz not null default now(),
  primary key (job_id, number)
);

-- Answers of calls that must not take effect twice (increment, append, messages), by the caller's key.
create table helper_calls (
  job_id bigint not null references jobs on delete cascade,
  number integer not null,
  key text not null,
  answer jsonb not null,
  created_at timestamptz not null default now(),
  primary key (job_id, number, key)
);
