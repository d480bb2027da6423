-- The spine: who asks, what waits, who runs it. Times are timestamptz and always the database's clock.

create table installation (
  -- One row: facts about this installation that every server must agree on.
  only_row boolean primary key default true check (only_row),
  created_at timestamptz not null default now(),
  -- The last completed upkeep pass. A gap says that all servers or the database were away.
  upkeep_seen_at timestamptz not null default now(),
  -- Nothing is reaped before this: one full lease period after an outage.
  reap_not_before timestamptz not null default now(),
  -- Identifies the key that seals secrets; a server with another key refuses to boot.
  secret_key_id text
);
insert into installation default values;

create table users (
  id bigint generated always as identity primary key,
  username text not null,
  password_hash text not null,
  role text not null check (role in ('admin', 'operator', 'viewer')),
  max_running integer not null default 100 check (max_running >= 0),
  disabled_at timestamptz,
  -- A token issued before this is refused: password change, role change, sign-out everywhere.
  sessions_valid_after timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create unique index users_username on users (lower(username));

create table api_tokens (
  id bigint generated always as identity primary key,
  user_id bigint not null references users on delete cascade,
  name text not null,
  -- SHA-256 of the token; the token itself is shown once and never stored.
  hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_tokens_user on api_tokens (user_id);

create table queues (
  id bigint generated always as identity primary key,
  name text not null unique,
  concurrency integer check (concurrency > 0),
  -- At most rate_starts starts per rate_seconds, as a token bucket.
  rate_starts integer check (rate_starts > 0),
  rate_seconds double precision check (rate_seconds > 0),
  rate_tokens double precision,
  rate_refilled_at timestamptz,
  paused boolean not null default false,
  created_at timestamptz not null default now(),
  check ((rate_starts is null) = (rate_seconds is null))
);
insert into queues (name) values ('default');

-- Jobs that are alike in everything that decides who may take them share a lane. A claim looks at lanes, of which
-- there are few, and takes the first jobs of the open ones: a million jobs behind a full queue cost nothing.
create table lanes (
  id bigint generated always as identity primary key,
  queue_id bigint not null references queues on delete cascade,
  owner_id bigint not null references users on delete cascade,
  executor text not null,
  required_labels text[] not null,
  -- What a job of this lane reserves on its runner; 0 when it asks for nothing beyond a slot.
  cpu_millis integer not null,
  memory_mib integer not null,
  last_used_at timestamptz not null default now(),
  unique (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib)
);

create table runners (
  id bigint generated always as identity primary key,
  name text not null unique,
  session text not null,
  version text not null,
  hostname text not null,
  labels text[] not null,
  slots integer not null,
  cpu_millis integer not null,
  memory_mib integer not null,
  executors text[] not null,
  facilities jsonb not null,
  state text not null check (state in ('online', 'draining', 'offline')),
  registered_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);

create table jobs (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  owner_id bigint not null references users,
  queue_id bigint not null references queues,
  lane_id bigint,
  state text not null check (state in ('blocked', 'scheduled', 'queued', 'leased', 'running', 'unknown',
    'succeeded', 'failed', 'timed_out', 'oom_killed', 'cancelled', 'lost', 'skipped')),
  state_since timestamptz not null default now(),
  -- Order inside a lane: milliseconds of the first time it was queued, less 300,000 for each level of priority.
  -- So ten minutes of waiting weigh as much as two levels, and nothing starves.
  rank bigint,
  name text not null,
  spec jsonb not null,
  -- env and secret_env, sealed with the installation's key; null when the job has none.
  env_sealed bytea,
  priority smallint not null check (priority between 0 and 10),
  created_at timestamptz not null default now(),
  not_before timestamptz,
  -- Why a scheduled job waits: the submitter's delay, or the backoff of a retry.
  scheduled_for text check (scheduled_for in ('delay', 'backoff')),
  blockers_left integer not null default 0,
  max_attempts integer not null,
  -- Attempts that count; a handed-back one does not.
  attempts_spent integer not null default 0,
  last_attempt integer not null default 0,
  cancel_requested_at timestamptz,
  cancel_reason text,
  -- Its runner kills at once; the grace is skipped.
  cancel_now boolean not null default false,
  started_at timestamptz,
  ended_at timestamptz,
  -- Outcome of the attempt that ended the job, or of the last failed one while it waits for its next.
  outcome jsonb,
  rerun_of text
)
-- Dead entries at the head of jobs_claim are what slows a queue down; vacuum early and without pauses.
with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);

create index jobs_claim on jobs (lane_id, rank, id) where state = 'queued';
create index jobs_due on jobs (not_before) where state = 'scheduled';
create index jobs_held on jobs (id) where state in ('leased', 'running', 'unknown');
create index jobs_owner on jobs (owner_id, id);
create index jobs_state on jobs (state, id);
create index jobs_ended on jobs (ended_at) where ended_at is not null;

create table job_dependencies (
  job_id bigint not null references jobs on delete cascade,
  depends_on_id bigint not null references jobs on delete cascade,
  primary key (job_id, depends_on_id)
);
create index job_dependencies_reverse on job_dependencies (depends_on_id);

create sequence attempt_token as bigint;

create table attempts (
  job_id bigint not null references jobs on delete cascade,
  number integer not null,
  -- The fence: rises with every attempt of every job.
  token bigint not null default nextval('attempt_token'),
  runner_id bigint not null references runners,
  state text not null check (state in ('leased', 'running', 'unknown', 'handed_back',
    'succeeded', 'failed', 'timed_out', 'oom_killed', 'cancelled', 'lost')),
  leased_at timestamptz not null default now(),
  lease_expires_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  outcome jsonb,
  -- {length, stdout_bytes, stderr_bytes, truncated_bytes}: set when the log is sealed.
  log jsonb,
  unenforced text[],
  primary key (job_id, number)
) with (fillfactor = 80);
create index attempts_held on attempts (runner_id) where ended_at is null;

create table idempotency_keys (
  owner_id bigint not null references users on delete cascade,
  key text not null,
  -- SHA-256 of the canonical request body; the same key with another body is a conflict.
  body_hash bytea not null,
  job_ids text[] not null,
  created_at timestamptz not null default now(),
  primary key (owner_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- user, token, runner, system; and the name at the time.
  actor_kind text not null,
  actor text not null,
  action text not null,
  target text,
  result text not null check (result in ('done', 'refused')),
  detail jsonb not null default '{}',
  address text
);

-- The chain is written by one upkeep loop a moment after the rows: sealing inside each request would put every
-- submit of every server behind one lock.
create table audit_seals (
  seq bigint primary key,
  audit_id bigint not null unique references audit_log,
  hash bytea not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end $$;
create trigger audit_log_append_only before update or delete on audit_log for each row execute function refuse_change();
create trigger audit_log_no_truncate before truncate on audit_log for each statement execute function refuse_change();
create trigger audit_seals_append_only before update or delete on audit_seals for each row execute function refuse_change();
create trigger audit_seals_no_truncate before truncate on audit_seals for each statement execute function refuse_change();
