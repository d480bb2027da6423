-- People: when somebody was last here, who is shut out for a moment, how a lost password is replaced, what is left of
-- whoever is gone. And a log that its own writer may not change.

alter table users
  add column last_seen_at timestamptz,
  -- Gone: cannot come in, and the name stays theirs, because jobs and audit rows go on telling of them by it.
  add column deleted_at timestamptz;

-- Null: all that the owner may.
alter table api_tokens add column scopes text[];

-- Wrong passwords for a name, from wherever they came. For names that nobody has too: else a lockout would tell which
-- names exist.
create table sign_in_failures (
  -- In lower case.
  name text primary key,
  failures integer not null,
  last_at timestamptz not null,
  locked_until timestamptz
);
create index sign_in_failures_last on sign_in_failures (last_at);

-- Where somebody signed in from before: a lockout that strangers caused does not hold there.
create table sign_in_addresses (
  user_id bigint not null references users on delete cascade,
  address text not null,
  last_at timestamptz not null default now(),
  primary key (user_id, address)
);

-- One code for each account, made by an administrator; used up by deleting it.
create table password_resets (
  user_id bigint primary key references users on delete cascade,
  -- SHA-256 of the code; the code itself is shown once and never stored.
  hash bytea not null,
  expires_at timestamptz not null
);

-- The triggers refuse a change of the log to everybody. The role that writes it has no right to try, either; of `id`,
-- which no update can set, because a foreign key's check locks the row it points to and asks for that much.
revoke update, delete, truncate on audit_log, audit_seals from current_user, public;
grant update (id) on audit_log to current_user;
