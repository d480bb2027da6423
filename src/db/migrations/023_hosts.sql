-- Hosts of the executor ssh: where they are, how one gets in, which keys they have shown and which of them hold.

create table hosts (
  id bigint generated always as identity primary key,
  name text not null unique,
  description text,
  address text not null,
  port integer not null check (port between 1 and 65535),
  username text not null,
  auth_method text not null check (auth_method in ('key', 'password', 'agent')),
  -- {"private_key", "passphrase"} or {"password"}, sealed; AAD `host:<id>`. Null: an agent has the key.
  auth_sealed bytea,
  -- The host that leads there; it is not deleted while it does.
  jump_id bigint references hosts,
  -- `k=v`, sorted.
  labels text[] not null default '{}',
  connections integer not null,
  keep_alive_seconds integer not null,
  connect_timeout_seconds integer not null,
  enabled boolean not null default true,
  open_to text not null check (open_to in ('operators', 'admins')),
  -- [{"type", "fingerprint", "confirmed_at", "confirmed_by"}]; empty: no job gets there.
  keys jsonb not null default '[]',
  -- [{"type", "fingerprint"}]: all that it showed when it was asked last.
  seen_keys jsonb not null default '[]',
  seen_at timestamptz,
  -- Since when it shows a key that is none of `keys`: no job gets there until somebody confirms one.
  alarm_at timestamptz,
  alarm_key jsonb,
  alarm_runner text,
  -- Public id of the job that met it.
  alarm_job text,
  -- What `test_job` brought of it.
  facts jsonb,
  facts_at timestamptz,
  -- Public id of the newest test: of no other job the facts are believed.
  test_job text,
  last_ok_at timestamptz,
  last_failed_at timestamptz,
  last_error text,
  -- Public id.
  last_job text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((auth_method = 'agent') = (auth_sealed is null)),
  check (jump_id <> id)
);
create index hosts_jump on hosts (jump_id) where jump_id is not null;
