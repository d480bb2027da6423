-- What follows runs of events. A row is written once, in the transaction that settles the run; what it does is done in
-- the transaction that ends the row.

create table action_firings (
  id bigint generated always as identity primary key,
  run_id bigint not null references event_runs on delete cascade,
  -- Its name in the definition that the run had.
  action text not null,
  -- 0; of a loop, the further ones.
  iteration integer not null default 0,
  -- What is to be done, as the definition has it: {message: …} and so on, its texts still templates.
  effect json not null,
  -- The same at every try: receivers know a repeated one by it.
  delivery_id text not null unique,
  state text not null default 'due' check (state in ('due', 'done', 'skipped', 'refused', 'failed')),
  due_at timestamptz not null,
  -- Of those that failed by an outage.
  tries integer not null default 0,
  -- {run, pipeline_run, job, delivery, variable}: what came of it.
  result jsonb,
  -- Why it was skipped or refused, or how it failed.
  reason text,
  created_at timestamptz not null default now(),
  done_at timestamptz,
  unique (run_id, action, iteration)
);
create index action_firings_due on action_firings (due_at) where state = 'due';
-- What came of it may end and start an event again: that is one deeper than the run which had this action.
create index action_firings_made on action_firings ((coalesce(result->>'pipeline_run', result->>'job')))
  where coalesce(result->>'pipeline_run', result->>'job') is not null;

-- Texts of messages under a name; Liquid.
create table message_templates (
  id bigint generated always as identity primary key,
  name text not null unique,
  owner_id bigint not null,
  description text,
  -- {field of the tool's input: text}.
  input json not null,
  -- An example of what it is filled in with, for the preview.
  sample json not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
