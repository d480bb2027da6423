-- What starts events: schedules (the ones that pipelines have), webhooks, and the end of something else.

alter table schedules alter column pipeline_id drop not null,
  add column event_id bigint references events on delete cascade,
  -- Of an event: what its runs get; null: the event's own.
  add column input json,
  drop constraint schedules_source_check,
  -- `event`: stands in the event's definition.
  add constraint schedules_source_check check (source in ('file', 'api', 'event')),
  add constraint schedules_target_check check ((pipeline_id is null) <> (event_id is null));
create unique index schedules_event on schedules (event_id, name) where event_id is not null;

create table event_webhooks (
  id bigint generated always as identity primary key,
  public_id text not null unique,
  event_id bigint not null references events on delete cascade,
  name text not null,
  -- SHA-256 of the secret part of its address; the address itself is sealed, for its owner to read again.
  key_hash bytea not null unique,
  key_sealed bytea not null,
  -- How senders sign: `standard` (Standard Webhooks), `github` (X-Hub-Signature-256).
  scheme text not null check (scheme in ('standard', 'github')),
  -- Sealed; AAD `webhook:<public id>:secret`.
  secret_sealed bytea not null,
  -- The one before the last rotation, until then.
  old_secret_sealed bytea,
  old_secret_until timestamptz,
  enabled boolean not null default true,
  per_minute integer not null default 60 check (per_minute between 1 and 6000),
  -- A token bucket, as of queues: what is left of it, and when that was.
  rate_tokens double precision,
  rate_refilled_at timestamptz,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  unique (event_id, name),
  check ((old_secret_sealed is null) = (old_secret_until is null))
);

-- One row for each delivery that was let in: the same id again is a replay. And for some that were not, for people.
create table webhook_deliveries (
  webhook_id bigint not null references event_webhooks on delete cascade,
  delivery_id text not null,
  -- Of `github`, whose signature covers nothing but the body: the same body again is a replay, whatever its id says.
  body_hash bytea,
  -- Public id of the run that it began; null: none, and `reason` says why.
  run_id text,
  reason text,
  received_at timestamptz not null default now(),
  primary key (webhook_id, delivery_id)
);
create index webhook_deliveries_newest on webhook_deliveries (webhook_id, received_at);
create index webhook_deliveries_age on webhook_deliveries (received_at);
create unique index webhook_deliveries_body on webhook_deliveries (webhook_id, body_hash) where body_hash is not null;

-- Of active events: what they wait for. Derived from the definition in force.
create table event_after (
  event_id bigint not null references events on delete cascade,
  -- Place in the definition's list.
  place integer not null,
  kind text not null check (kind in ('event', 'pipeline', 'job')),
  source_event_id bigint references events on delete cascade,
  pipeline text,
  -- Jobs of the event's owner by this name.
  owner_id bigint,
  job_name text,
  on_states text[] not null,
  primary key (event_id, place)
);
create index event_after_event on event_after (source_event_id) where source_event_id is not null;
create index event_after_pipeline on event_after (pipeline) where pipeline is not null;
create index event_after_job on event_after (owner_id, job_name) where job_name is not null;

-- Ends that an event waits for, written in the transaction of the end; whoever starts the event takes the row.
create table event_signals (
  id bigint generated always as identity primary key,
  event_id bigint not null references events on delete cascade,
  kind text not null check (kind in ('event', 'pipeline', 'job')),
  -- Public id of what ended.
  source text not null,
  state text not null,
  -- Later when beginning the event failed just now.
  look_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  unique (event_id, kind, source)
);
create index event_signals_due on event_signals (look_at);

create or replace function count_jobs() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into job_count_deltas select owner_id, queue_id, state, count(*), sum(log_bytes) from new_rows group by 1, 2, 3;
    insert into run_count_deltas
    select run_id, state, count(*) from new_rows where run_id is not null group by 1, 2;
  elsif tg_op = 'DELETE' then
    insert into job_count_deltas select owner_id, queue_id, state, -count(*), -sum(log_bytes) from old_rows group by 1, 2, 3;
  else
    insert into job_count_deltas
    select owner_id, queue_id, state, sum(n), sum(bytes) from (
      select owner_id, queue_id, state, 1 as n, log_bytes as bytes from new_rows
      union all select owner_id, queue_id, state, -1, -log_bytes from old_rows
    ) moved group by 1, 2, 3 having sum(n) <> 0 or sum(bytes) <> 0;
    if exists (select from new_rows where run_id is not null) then
      insert into run_count_deltas
      select run_id, state, sum(n) from (
        select run_id, state, 1 as n from new_rows where run_id is not null
        union all select run_id, state, -1 from old_rows where run_id is not null
      ) moved group by 1, 2 having sum(n) <> 0;
      -- Told when the transaction commits; the same words twice in one are one.
      perform pg_notify('runyard_runs', run_id::text) from (select distinct run_id from new_rows where run_id is not null) r;
    end if;
    -- Most installations have no such event, and most jobs end without one.
    if exists (select from event_after where kind = 'job') then
      insert into event_signals (event_id, kind, source, state)
      select a.event_id, 'job', n.public_id, n.state
      from new_rows n join old_rows o on o.id = n.id and o.state <> n.state
      join event_after a on a.kind = 'job' and a.owner_id = n.owner_id and a.job_name = n.name
      where n.ended_at is not null
        and case n.state when 'succeeded' then 'succeeded' when 'cancelled' then 'cancelled' when 'skipped' then 'cancelled'
          else 'failed' end = any (a.on_states)
      on conflict do nothing;
    end if;
    if exists (select from new_rows where state in ('failed', 'timed_out', 'oom_killed', 'lost')) then
      insert into dead_letters (job_id, owner_id)
      select n.id, n.owner_id from new_rows n join old_rows o on o.id = n.id and o.state <> n.state
      where n.state in ('failed', 'timed_out', 'oom_killed', 'lost')
        -- A message that was not delivered is listed with the deliveries, and telling of it would be the next one.
        and (n.spec->>'executor' <> 'message' or n.spec ? 'event')
      on conflict do nothing;
    end if;
  end if;
  return null;
end $$;
