-- Images: what containers of jobs are made of, kept by administrators.

create table images (
  id bigint generated always as identity primary key,
  name text not null unique,
  -- As engines write it: `registry/path:tag`, with `@sha256:…` when it is pinned.
  reference text not null,
  description text,
  -- Scripts of events in these languages run in it when they name no image; each language has one enabled image at most.
  languages text[] not null default '{}' check (languages <@ array['bash', 'python', 'node']),
  pull text not null default 'missing' check (pull in ('missing', 'always', 'never')),
  -- Of the registry. The password is sealed here (AAD `image:<id>`), or a global secret has it.
  registry_username text,
  password_sealed bytea,
  password_secret text,
  check ((registry_username is not null)::int = (password_sealed is not null)::int + (password_secret is not null)::int),
  -- Containers that each runner keeps ready.
  warm_least integer not null default 0 check (warm_least between 0 and warm_most),
  warm_most integer not null default 0 check (warm_most <= 100),
  enabled boolean not null default true,
  open_to text not null default 'operators' check (open_to in ('operators', 'admins')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
