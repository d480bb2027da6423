-- Failures: jobs that spent their attempts, groups of those that failed alike, and incidents.

create table dead_letters (
  -- Written by the trigger that counts jobs, in the transaction of the end.
  job_id bigint primary key references jobs on delete cascade,
  owner_id bigint not null,
  -- `open` until somebody redrives or dismisses it, or its event succeeds again by a redrive.
  state text not null default 'open' check (state in ('open', 'redriven', 'dismissed')),
  -- Of its group; null: nobody has looked yet.
  group_id bigint,
  -- Public id of the job or event run that repeats it.
  redriven_as text,
  acted_by text,
  acted_at timestamptz,
  at timestamptz not null default now()
);
create index dead_letters_new on dead_letters (job_id) where group_id is null;
create index dead_letters_open on dead_letters (owner_id, job_id) where state = 'open';
create index dead_letters_group on dead_letters (group_id, job_id);

-- Alike: the same source (event, pipeline task or job name), end, exit code and normalised error.
create table failure_groups (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  owner_id bigint not null,
  -- `event:<public id>`, `pipeline:<name>/<task>`, `job:<name>`.
  source text not null,
  event_id bigint references events on delete cascade,
  fingerprint text not null,
  state text not null,
  exit_code integer,
  -- The error without what differs from time to time (numbers, ids, paths, times), and the newest as it was.
  pattern text not null,
  sample text not null,
  total bigint not null default 0,
  first_at timestamptz not null,
  last_at timestamptz not null,
  -- Somebody does not want to hear of it.
  muted_at timestamptz,
  unique (owner_id, source, fingerprint)
);
create index failure_groups_last on failure_groups (last_at);
create index failure_groups_event on failure_groups (event_id) where event_id is not null;

create table incidents (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  owner_id bigint not null,
  source text not null,
  event_id bigint references events on delete cascade,
  group_id bigint references failure_groups on delete cascade,
  -- `new`: a pattern that was never seen before; `repeated`: so many alike in so much time; `flapping`; `late`.
  kind text not null check (kind in ('new', 'repeated', 'flapping', 'late')),
  title text not null,
  state text not null default 'open' check (state in ('open', 'acknowledged', 'closed')),
  failures bigint not null default 0,
  opened_at timestamptz not null default now(),
  acknowledged_by text,
  closed_at timestamptz,
  -- Username; null: it closed by itself.
  closed_by text
);
-- One open incident for each group: five servers or a storm of failures open no second.
create unique index incidents_open on incidents (group_id) where closed_at is null and group_id is not null;
-- The same of those that are of no group: an event that flaps, a schedule that is late.
create unique index incidents_open_source on incidents (owner_id, source, kind) where closed_at is null and group_id is null;
create index incidents_owner on incidents (owner_id, id);
create index incidents_group on incidents (group_id) where group_id is not null;
create index incidents_event on incidents (event_id) where event_id is not null;

create table incident_entries (
  id bigint generated always as identity primary key,
  incident_id bigint not null references incidents on delete cascade,
  at timestamptz not null default now(),
  kind text not null check (kind in ('opened', 'failure', 'notified', 'acknowledged', 'note', 'recovered', 'closed', 'reopened')),
  text text not null,
  detail jsonb not null default '{}'
);
create index incident_entries_incident on incident_entries (incident_id, id);

-- One row: who hears of incidents where the event names nobody, and from when on.
create table incident_rules (
  only_row boolean primary key default true check (only_row),
  channels text[] not null default '{}',
  -- So many alike within so much time open an incident; a pattern never seen before opens one at its first.
  repeated_times integer not null default 3,
  repeated_seconds integer not null default 3600,
  new_patterns boolean not null default true,
  -- Closed by itself after so many successes in a row, or after so long without a failure.
  close_after_successes integer not null default 3,
  close_after_seconds integer not null default 86400
);
insert into incident_rules default values;
