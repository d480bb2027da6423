-- Files that attempts left: what they are called, and under which name of ours their bytes are kept.

create table artifacts (
  id bigint generated always as identity primary key,
  -- Null: its job is gone, or another file took its place. Whoever has the bytes removes them, then the row.
  job_id bigint references jobs on delete set null,
  attempt integer not null,
  -- A relative path, as its user knows it. Never a path of ours.
  name text not null,
  bytes bigint not null check (bytes >= 0),
  sha256 bytea not null check (length(sha256) = 32),
  blob text not null unique,
  -- The server in whose directory it is; null: in the shared store (RUNYARD_LOG_STORE).
  server_id bigint,
  created_at timestamptz not null default now()
);
create unique index artifacts_job on artifacts (job_id, attempt, name);
create index artifacts_removable on artifacts (server_id) where job_id is null;
