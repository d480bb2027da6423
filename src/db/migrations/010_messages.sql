-- Messages: stored destinations, what is to be told, and what became of it. A message is sent by a job.

create table channels (
  id bigint generated always as identity primary key,
  name text not null unique,
  kind text not null check (kind in ('slack', 'discord', 'webhook', 'email')),
  description text,
  -- Host of the address, or the receivers of mail; nothing secret.
  destination text not null,
  enabled boolean not null default true,
  quiet jsonb not null default '[]',
  -- Address and credentials; the AAD names the row (`channel:<id>`).
  settings_sealed bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Written in the transaction of what happened; the reactor takes a row in the transaction that makes its job.
create table outbox (
  id bigint generated always as identity primary key,
  -- What it tells of, e.g. `batch:<public id>`.
  about text not null,
  -- A name, not a reference: a channel that is gone by then is recorded with the delivery.
  channel text not null,
  owner_id bigint not null,
  -- {"kind": "batch_ended", …}: what happened, for the words of the message.
  facts jsonb not null,
  created_at timestamptz not null default now(),
  unique (about, channel)
);

create table deliveries (
  id bigint generated always as identity primary key,
  -- 12 characters, the same at every try: receivers know a repeated message by it.
  delivery_id text not null unique,
  about text not null,
  channel text not null,
  owner_id bigint not null,
  subject text not null,
  -- Public id of the job that sends it (the newest, after a redelivery); null: it was not to be sent.
  job_id text,
  -- Why there is no job.
  not_sent text,
  -- Its text and data, for a redelivery; never the channel's settings.
  message jsonb not null,
  held_until timestamptz,
  created_at timestamptz not null default now(),
  -- One message for each happening and channel, whatever the number of servers.
  unique (about, channel),
  check ((job_id is null) = (not_sent is not null))
);
create index deliveries_channel on deliveries (channel, id);
create index deliveries_job on deliveries (job_id) where job_id is not null;

-- Of its own, so that no paused or full queue of users holds notices back.
insert into queues (name) values ('messages') on conflict do nothing;
