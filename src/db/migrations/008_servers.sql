-- Several servers: who is there, and which of them has the log of an attempt.

create table servers (
  id bigint generated always as identity primary key,
  -- Made once and kept in the server's data directory.
  name text not null unique,
  -- host:port at which the other servers reach its gRPC listener; null while it has none.
  address text,
  version text not null,
  started_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);

-- Which secret signs the sessions: servers of one database sign with the same one.
alter table installation add column jwt_key_id text;

-- The server whose log store has the log of this attempt; null: none has any of it yet (or it is from before this column,
-- when there was one server).
alter table attempts add column log_server bigint;
-- The sealed log is in the shared store (RUNYARD_LOG_STORE); `log_server` is only history then.
alter table attempts add column log_shared boolean not null default false;

-- Logs whose jobs are gone: the server that has them removes them, also when it was away just then.
create table log_removals (
  server_id bigint not null references servers on delete cascade,
  job_id bigint not null,
  number int not null,
  primary key (server_id, job_id, number)
);
