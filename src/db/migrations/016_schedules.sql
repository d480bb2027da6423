-- When pipelines start by themselves: schedules, and what became of each of their ticks.

create table schedules (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  pipeline_id bigint not null references pipelines on delete cascade,
  name text not null,
  -- `file`: stands in the pipeline's definition and goes with it; `api`: made by `owner_id` beside it.
  source text not null check (source in ('file', 'api')),
  -- In whose name it starts runs.
  owner_id bigint not null references users,
  cron text,
  every_seconds integer check (every_seconds > 0),
  zone text not null default 'UTC',
  misfire text not null default 'run_once' check (misfire in ('skip', 'run_once', 'run_all')),
  catch_up_seconds integer not null default 3600 check (catch_up_seconds >= 0),
  -- Of `run_all`: so many missed ticks are made up for at most.
  catch_up_limit integer not null default 100 check (catch_up_limit > 0),
  overlap text not null default 'queue' check (overlap in ('queue', 'skip', 'cancel_running')),
  variables json not null default '{}',
  enabled boolean not null default true,
  -- What its file says: somebody may have paused it since, and that holds until the file changes its mind.
  file_enabled boolean,
  late_after_seconds integer check (late_after_seconds > 0),
  starts_at timestamptz,
  ends_at timestamptz,
  -- Its next tick; null: there is none any more.
  next_at timestamptz,
  -- When the scheduler looks: at `next_at`, later when starting failed just now.
  look_at timestamptz,
  -- No tick up to here, this instant included, is ever decided again.
  high_water timestamptz not null,
  -- Why its last tick started nothing.
  problem text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (pipeline_id, name),
  check ((cron is null) <> (every_seconds is null)),
  check ((next_at is null) = (look_at is null))
);
create index schedules_due on schedules (look_at) where enabled;
create index schedules_owner on schedules (owner_id);

create table schedule_ticks (
  schedule_id bigint not null references schedules on delete cascade,
  tick timestamptz not null,
  outcome text not null check (outcome in ('started', 'skipped', 'missed', 'refused')),
  -- Public id of the run that it started.
  run_id text,
  reason text,
  -- Of `missed`: all from `tick` to this one are one row.
  last_tick timestamptz,
  fired_at timestamptz not null default now(),
  -- When to look whether its run has begun; null once that is settled.
  late_check_at timestamptz,
  late_told_at timestamptz,
  primary key (schedule_id, tick),
  check ((outcome = 'started') = (run_id is not null)),
  check ((outcome = 'missed') = (last_tick is not null))
);
create index schedule_ticks_run on schedule_ticks (run_id) where run_id is not null;
create index schedule_ticks_late on schedule_ticks (late_check_at) where late_check_at is not null;
create index schedule_ticks_fired on schedule_ticks (fired_at);
