-- Variables and secrets: named values of one user or of all. All are sealed; a secret is never shown again either.

create table variables (
  id bigint generated always as identity primary key,
  scope text not null check (scope in ('user', 'global')),
  -- Null: global.
  owner_id bigint references users on delete cascade,
  name text not null,
  secret boolean not null default false,
  description text,
  -- AAD `variable:<scope>:<owner or 0>:<name>:<version>`: a row that is copied elsewhere does not open.
  value_sealed bytea not null,
  -- Rises with every change; in the AAD, so that an old value put back does not open either.
  version bigint not null default 1,
  bytes integer not null,
  updated_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_read_at timestamptz,
  check ((scope = 'global') = (owner_id is null))
);
create unique index variables_name on variables (coalesce(owner_id, 0), name);

-- Keys that sealed values may have. `installation.secret_key_id` is the one that new values are sealed with.
create table sealing_keys (
  key_id text primary key,
  added_at timestamptz not null default now(),
  -- Null: it is made, and not all servers have it yet.
  used_at timestamptz,
  -- Nothing is sealed with it any more.
  retired_at timestamptz
);

-- Which key a server seals with, and all that it opens with: a new one is put to use when every server has it.
alter table servers add column sealing_key text;
alter table servers add column opens_keys text[] not null default '{}';
