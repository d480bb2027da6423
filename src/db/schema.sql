-- Written by src/db/dump-schema.ts from a migrated database. Do not edit.

create sequence attempt_token as bigint start 1 increment 1;

create table action_firings (
  id bigint generated always as identity not null,
  run_id bigint not null,
  action text not null,
  iteration integer default 0 not null,
  effect json not null,
  delivery_id text not null,
  state text default 'due'::text not null,
  due_at timestamp with time zone not null,
  tries integer default 0 not null,
  result jsonb,
  reason text,
  created_at timestamp with time zone default now() not null,
  done_at timestamp with time zone,
  constraint action_firings_pkey PRIMARY KEY (id),
  constraint action_firings_delivery_id_key UNIQUE (delivery_id),
  constraint action_firings_run_id_action_iteration_key UNIQUE (run_id, action, iteration),
  constraint action_firings_run_id_fkey FOREIGN KEY (run_id) REFERENCES event_runs(id) ON DELETE CASCADE,
  constraint action_firings_state_check CHECK ((state = ANY (ARRAY['due'::text, 'done'::text, 'skipped'::text, 'refused'::text, 'failed'::text])))
);

CREATE INDEX action_firings_due ON public.action_firings USING btree (due_at) WHERE (state = 'due'::text);
CREATE INDEX action_firings_made ON public.action_firings USING btree (COALESCE((result ->> 'pipeline_run'::text), (result ->> 'job'::text))) WHERE (COALESCE((result ->> 'pipeline_run'::text), (result ->> 'job'::text)) IS NOT NULL);

create table api_tokens (
  id bigint generated always as identity not null,
  user_id bigint not null,
  name text not null,
  hash bytea not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  scopes text[],
  constraint api_tokens_pkey PRIMARY KEY (id),
  constraint api_tokens_hash_key UNIQUE (hash),
  constraint api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE INDEX api_tokens_user ON public.api_tokens USING btree (user_id);

create table artifacts (
  id bigint generated always as identity not null,
  job_id bigint,
  attempt integer not null,
  name text not null,
  bytes bigint not null,
  sha256 bytea not null,
  blob text not null,
  server_id bigint,
  created_at timestamp with time zone default now() not null,
  constraint artifacts_pkey PRIMARY KEY (id),
  constraint artifacts_blob_key UNIQUE (blob),
  constraint artifacts_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE SET NULL,
  constraint artifacts_bytes_check CHECK ((bytes >= 0)),
  constraint artifacts_sha256_check CHECK ((length(sha256) = 32))
);

CREATE UNIQUE INDEX artifacts_job ON public.artifacts USING btree (job_id, attempt, name);
CREATE INDEX artifacts_removable ON public.artifacts USING btree (server_id) WHERE (job_id IS NULL);

create table attempt_results (
  job_id bigint not null,
  number integer not null,
  condition boolean,
  output_type text,
  output bytea,
  output_artifact bigint,
  output_bytes bigint,
  progress real,
  status_text text,
  updated_at timestamp with time zone default now() not null,
  constraint attempt_results_pkey PRIMARY KEY (job_id, number),
  constraint attempt_results_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint attempt_results_output_artifact_fkey FOREIGN KEY (output_artifact) REFERENCES artifacts(id) ON DELETE SET NULL,
  constraint attempt_results_progress_check CHECK (((progress >= (0)::double precision) AND (progress <= (100)::double precision)))
);

create table attempts (
  job_id bigint not null,
  number integer not null,
  token bigint default nextval('attempt_token'::regclass) not null,
  runner_id bigint not null,
  state text not null,
  leased_at timestamp with time zone default now() not null,
  lease_expires_at timestamp with time zone not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  outcome jsonb,
  log jsonb,
  unenforced text[],
  log_server bigint,
  log_shared boolean default false not null,
  memory_bytes bigint,
  constraint attempts_pkey PRIMARY KEY (job_id, number),
  constraint attempts_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint attempts_state_check CHECK ((state = ANY (ARRAY['leased'::text, 'running'::text, 'unknown'::text, 'handed_back'::text, 'succeeded'::text, 'failed'::text, 'timed_out'::text, 'oom_killed'::text, 'cancelled'::text, 'lost'::text])))
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0, autovacuum_analyze_scale_factor=0.05);

CREATE INDEX attempts_held ON public.attempts USING btree (runner_id) WHERE (ended_at IS NULL);
CREATE INDEX attempts_unsized ON public.attempts USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND (log IS NULL));

create table audit_log (
  id bigint generated always as identity not null,
  at timestamp with time zone default clock_timestamp() not null,
  actor_kind text not null,
  actor text not null,
  action text not null,
  target text,
  result text not null,
  detail jsonb default '{}'::jsonb not null,
  address text,
  constraint audit_log_pkey PRIMARY KEY (id),
  constraint audit_log_result_check CHECK ((result = ANY (ARRAY['done'::text, 'refused'::text])))
);

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table audit_seals (
  seq bigint not null,
  audit_id bigint not null,
  hash bytea not null,
  constraint audit_seals_pkey PRIMARY KEY (seq),
  constraint audit_seals_audit_id_key UNIQUE (audit_id),
  constraint audit_seals_audit_id_fkey FOREIGN KEY (audit_id) REFERENCES audit_log(id)
);

CREATE TRIGGER audit_seals_append_only BEFORE DELETE OR UPDATE ON public.audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON public.audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table batch_templates (
  id bigint generated always as identity not null,
  owner_id bigint not null,
  name text not null,
  description text,
  shared boolean default false not null,
  body json not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint batch_templates_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX batch_templates_name ON public.batch_templates USING btree (owner_id, name);

create table certificate_authorities (
  id bigint generated always as identity not null,
  certificate_pem text not null,
  key_sealed bytea not null,
  not_after timestamp with time zone not null,
  created_at timestamp with time zone default now() not null,
  constraint certificate_authorities_pkey PRIMARY KEY (id)
);

create table certificates (
  id bigint generated always as identity not null,
  authority_id bigint not null,
  fingerprint bytea not null,
  serial text not null,
  name text not null,
  role text not null,
  user_id bigint,
  not_before timestamp with time zone not null,
  not_after timestamp with time zone not null,
  issued_by text not null,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  spent_at timestamp with time zone,
  revoked_at timestamp with time zone,
  revoke_reason text,
  constraint certificates_pkey PRIMARY KEY (id),
  constraint certificates_fingerprint_key UNIQUE (fingerprint),
  constraint certificates_serial_key UNIQUE (serial),
  constraint certificates_authority_id_fkey FOREIGN KEY (authority_id) REFERENCES certificate_authorities(id),
  constraint certificates_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint certificates_check CHECK (((user_id IS NOT NULL) = (role = ANY (ARRAY['admin'::text, 'operator'::text, 'viewer'::text])))),
  constraint certificates_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'operator'::text, 'viewer'::text, 'runner'::text, 'server'::text, 'enrol'::text])))
);

CREATE INDEX certificates_end ON public.certificates USING btree (not_after);
CREATE INDEX certificates_name ON public.certificates USING btree (name);
CREATE INDEX certificates_user ON public.certificates USING btree (user_id) WHERE (user_id IS NOT NULL);

create table channels (
  id bigint generated always as identity not null,
  name text not null,
  kind text not null,
  description text,
  destination text not null,
  enabled boolean default true not null,
  quiet jsonb default '[]'::jsonb not null,
  settings_sealed bytea not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint channels_pkey PRIMARY KEY (id),
  constraint channels_name_key UNIQUE (name),
  constraint channels_kind_check CHECK ((kind = ANY (ARRAY['slack'::text, 'discord'::text, 'webhook'::text, 'email'::text])))
);

create table dead_letters (
  job_id bigint not null,
  owner_id bigint not null,
  state text default 'open'::text not null,
  group_id bigint,
  redriven_as text,
  acted_by text,
  acted_at timestamp with time zone,
  at timestamp with time zone default now() not null,
  constraint dead_letters_pkey PRIMARY KEY (job_id),
  constraint dead_letters_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint dead_letters_state_check CHECK ((state = ANY (ARRAY['open'::text, 'redriven'::text, 'dismissed'::text])))
);

CREATE INDEX dead_letters_group ON public.dead_letters USING btree (group_id, job_id);
CREATE INDEX dead_letters_new ON public.dead_letters USING btree (job_id) WHERE (group_id IS NULL);
CREATE INDEX dead_letters_open ON public.dead_letters USING btree (owner_id, job_id) WHERE (state = 'open'::text);

create table deliveries (
  id bigint generated always as identity not null,
  delivery_id text not null,
  about text not null,
  channel text not null,
  owner_id bigint not null,
  subject text not null,
  job_id text,
  not_sent text,
  message jsonb not null,
  held_until timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint deliveries_pkey PRIMARY KEY (id),
  constraint deliveries_about_channel_key UNIQUE (about, channel),
  constraint deliveries_delivery_id_key UNIQUE (delivery_id),
  constraint deliveries_check CHECK (((job_id IS NULL) = (not_sent IS NOT NULL)))
);

CREATE INDEX deliveries_channel ON public.deliveries USING btree (channel, id);
CREATE INDEX deliveries_job ON public.deliveries USING btree (job_id) WHERE (job_id IS NOT NULL);

create table ended_minutes (
  owner_id bigint not null,
  minute timestamp with time zone not null,
  state text not null,
  jobs bigint not null,
  constraint ended_minutes_pkey PRIMARY KEY (minute, owner_id, state)
) with (fillfactor=50);

create table event_after (
  event_id bigint not null,
  place integer not null,
  kind text not null,
  source_event_id bigint,
  pipeline text,
  owner_id bigint,
  job_name text,
  on_states text[] not null,
  constraint event_after_pkey PRIMARY KEY (event_id, place),
  constraint event_after_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint event_after_source_event_id_fkey FOREIGN KEY (source_event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint event_after_kind_check CHECK ((kind = ANY (ARRAY['event'::text, 'pipeline'::text, 'job'::text])))
);

CREATE INDEX event_after_event ON public.event_after USING btree (source_event_id) WHERE (source_event_id IS NOT NULL);
CREATE INDEX event_after_job ON public.event_after USING btree (owner_id, job_name) WHERE (job_name IS NOT NULL);
CREATE INDEX event_after_pipeline ON public.event_after USING btree (pipeline) WHERE (pipeline IS NOT NULL);

create table event_runs (
  id bigint generated always as identity not null,
  public_id text not null,
  event_id bigint not null,
  version integer,
  definition json not null,
  owner_id bigint not null,
  trigger text not null,
  cause jsonb default '{}'::jsonb not null,
  job_id text,
  pipeline_run_id text,
  input_type text,
  input bytea,
  input_artifact bigint,
  input_bytes bigint,
  depth integer default 0 not null,
  root_run text,
  settled_at timestamp with time zone,
  end_state text,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  exit_code integer,
  error text,
  cpu_ms bigint,
  memory_bytes bigint,
  attempts integer,
  created_at timestamp with time zone default now() not null,
  constraint event_runs_pkey PRIMARY KEY (id),
  constraint event_runs_public_id_key UNIQUE (public_id),
  constraint event_runs_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint event_runs_input_artifact_fkey FOREIGN KEY (input_artifact) REFERENCES artifacts(id) ON DELETE SET NULL,
  constraint event_runs_check CHECK (((settled_at IS NULL) = (end_state IS NULL))),
  constraint event_runs_end_state_check CHECK ((end_state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'timed_out'::text, 'oom_killed'::text, 'cancelled'::text, 'lost'::text, 'skipped'::text]))),
  constraint event_runs_trigger_check CHECK ((trigger = ANY (ARRAY['manual'::text, 'api'::text, 'schedule'::text, 'webhook'::text, 'job'::text, 'event'::text, 'pipeline'::text, 'action'::text, 'test'::text, 'redrive'::text])))
);

CREATE INDEX event_runs_by ON public.event_runs USING btree (((cause ->> 'by'::text)), id) WHERE ((cause ->> 'by'::text) IS NOT NULL);
CREATE INDEX event_runs_ended ON public.event_runs USING btree (ended_at) INCLUDE (event_id, owner_id, trigger, end_state, created_at, started_at, settled_at, cpu_ms, memory_bytes) WHERE (ended_at IS NOT NULL);
CREATE INDEX event_runs_event ON public.event_runs USING btree (event_id, id);
CREATE INDEX event_runs_job ON public.event_runs USING btree (job_id) WHERE (job_id IS NOT NULL);
CREATE INDEX event_runs_open ON public.event_runs USING btree (id) WHERE (settled_at IS NULL);
CREATE INDEX event_runs_owner ON public.event_runs USING btree (owner_id, id);
CREATE INDEX event_runs_pipeline ON public.event_runs USING btree (pipeline_run_id) WHERE (pipeline_run_id IS NOT NULL);
CREATE INDEX event_runs_root ON public.event_runs USING btree (root_run) WHERE (root_run IS NOT NULL);

create table event_signals (
  id bigint generated always as identity not null,
  event_id bigint not null,
  kind text not null,
  source text not null,
  state text not null,
  look_at timestamp with time zone default now() not null,
  created_at timestamp with time zone default now() not null,
  constraint event_signals_pkey PRIMARY KEY (id),
  constraint event_signals_event_id_kind_source_key UNIQUE (event_id, kind, source),
  constraint event_signals_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint event_signals_kind_check CHECK ((kind = ANY (ARRAY['event'::text, 'pipeline'::text, 'job'::text])))
);

CREATE INDEX event_signals_due ON public.event_signals USING btree (look_at);

create table event_versions (
  id bigint generated always as identity not null,
  event_id bigint not null,
  number integer not null,
  hash text not null,
  definition json not null,
  note text,
  created_by text not null,
  created_at timestamp with time zone default now() not null,
  constraint event_versions_pkey PRIMARY KEY (id),
  constraint event_versions_event_id_number_key UNIQUE (event_id, number),
  constraint event_versions_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE
);

create table event_webhooks (
  id bigint generated always as identity not null,
  public_id text not null,
  event_id bigint not null,
  name text not null,
  key_hash bytea not null,
  key_sealed bytea not null,
  scheme text not null,
  secret_sealed bytea not null,
  old_secret_sealed bytea,
  old_secret_until timestamp with time zone,
  enabled boolean default true not null,
  per_minute integer default 60 not null,
  rate_tokens double precision,
  rate_refilled_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  constraint event_webhooks_pkey PRIMARY KEY (id),
  constraint event_webhooks_event_id_name_key UNIQUE (event_id, name),
  constraint event_webhooks_key_hash_key UNIQUE (key_hash),
  constraint event_webhooks_public_id_key UNIQUE (public_id),
  constraint event_webhooks_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint event_webhooks_check CHECK (((old_secret_sealed IS NULL) = (old_secret_until IS NULL))),
  constraint event_webhooks_per_minute_check CHECK (((per_minute >= 1) AND (per_minute <= 6000))),
  constraint event_webhooks_scheme_check CHECK ((scheme = ANY (ARRAY['standard'::text, 'github'::text])))
);

create table events (
  id bigint generated always as identity not null,
  public_id text not null,
  owner_id bigint not null,
  name text not null,
  kind text not null,
  status text default 'draft'::text not null,
  shared boolean default false not null,
  tags text[] default '{}'::text[] not null,
  version integer not null,
  executions integer default 0 not null,
  problem text,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint events_pkey PRIMARY KEY (id),
  constraint events_public_id_key UNIQUE (public_id),
  constraint events_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id),
  constraint events_kind_check CHECK ((kind = ANY (ARRAY['bash'::text, 'python'::text, 'node'::text, 'http'::text, 'message'::text, 'pipeline'::text]))),
  constraint events_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'active'::text, 'paused'::text, 'archived'::text])))
);

CREATE UNIQUE INDEX events_name ON public.events USING btree (owner_id, lower(name)) WHERE (status <> 'archived'::text);
CREATE INDEX events_owner ON public.events USING btree (owner_id, id);

create table failure_groups (
  id bigint generated always as identity not null,
  public_id text not null,
  owner_id bigint not null,
  source text not null,
  event_id bigint,
  fingerprint text not null,
  state text not null,
  exit_code integer,
  pattern text not null,
  sample text not null,
  total bigint default 0 not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null,
  muted_at timestamp with time zone,
  constraint failure_groups_pkey PRIMARY KEY (id),
  constraint failure_groups_owner_id_source_fingerprint_key UNIQUE (owner_id, source, fingerprint),
  constraint failure_groups_public_id_key UNIQUE (public_id),
  constraint failure_groups_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE
);

CREATE INDEX failure_groups_event ON public.failure_groups USING btree (event_id) WHERE (event_id IS NOT NULL);
CREATE INDEX failure_groups_last ON public.failure_groups USING btree (last_at);

create table helper_calls (
  job_id bigint not null,
  number integer not null,
  key text not null,
  answer jsonb not null,
  created_at timestamp with time zone default now() not null,
  constraint helper_calls_pkey PRIMARY KEY (job_id, number, key),
  constraint helper_calls_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE
);

create table hosts (
  id bigint generated always as identity not null,
  name text not null,
  description text,
  address text not null,
  port integer not null,
  username text not null,
  auth_method text not null,
  auth_sealed bytea,
  jump_id bigint,
  labels text[] default '{}'::text[] not null,
  connections integer not null,
  keep_alive_seconds integer not null,
  connect_timeout_seconds integer not null,
  enabled boolean default true not null,
  open_to text not null,
  keys jsonb default '[]'::jsonb not null,
  seen_keys jsonb default '[]'::jsonb not null,
  seen_at timestamp with time zone,
  alarm_at timestamp with time zone,
  alarm_key jsonb,
  alarm_runner text,
  alarm_job text,
  facts jsonb,
  facts_at timestamp with time zone,
  test_job text,
  last_ok_at timestamp with time zone,
  last_failed_at timestamp with time zone,
  last_error text,
  last_job text,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint hosts_pkey PRIMARY KEY (id),
  constraint hosts_name_key UNIQUE (name),
  constraint hosts_jump_id_fkey FOREIGN KEY (jump_id) REFERENCES hosts(id),
  constraint hosts_auth_method_check CHECK ((auth_method = ANY (ARRAY['key'::text, 'password'::text, 'agent'::text]))),
  constraint hosts_check CHECK (((auth_method = 'agent'::text) = (auth_sealed IS NULL))),
  constraint hosts_check1 CHECK ((jump_id <> id)),
  constraint hosts_open_to_check CHECK ((open_to = ANY (ARRAY['operators'::text, 'admins'::text]))),
  constraint hosts_port_check CHECK (((port >= 1) AND (port <= 65535)))
);

CREATE INDEX hosts_jump ON public.hosts USING btree (jump_id) WHERE (jump_id IS NOT NULL);

create table idempotency_keys (
  owner_id bigint not null,
  key text not null,
  body_hash bytea not null,
  job_ids text[] not null,
  created_at timestamp with time zone default now() not null,
  run_id text,
  constraint idempotency_keys_pkey PRIMARY KEY (owner_id, key),
  constraint idempotency_keys_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_cost_delay=0);

CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

create table images (
  id bigint generated always as identity not null,
  name text not null,
  reference text not null,
  description text,
  languages text[] default '{}'::text[] not null,
  pull text default 'missing'::text not null,
  registry_username text,
  password_sealed bytea,
  password_secret text,
  warm_least integer default 0 not null,
  warm_most integer default 0 not null,
  enabled boolean default true not null,
  open_to text default 'operators'::text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint images_pkey PRIMARY KEY (id),
  constraint images_name_key UNIQUE (name),
  constraint images_check CHECK ((((registry_username IS NOT NULL))::integer = (((password_sealed IS NOT NULL))::integer + ((password_secret IS NOT NULL))::integer))),
  constraint images_check1 CHECK (((warm_least >= 0) AND (warm_least <= warm_most))),
  constraint images_languages_check CHECK ((languages <@ ARRAY['bash'::text, 'python'::text, 'node'::text])),
  constraint images_open_to_check CHECK ((open_to = ANY (ARRAY['operators'::text, 'admins'::text]))),
  constraint images_pull_check CHECK ((pull = ANY (ARRAY['missing'::text, 'always'::text, 'never'::text]))),
  constraint images_warm_most_check CHECK ((warm_most <= 100))
);

create table incident_entries (
  id bigint generated always as identity not null,
  incident_id bigint not null,
  at timestamp with time zone default now() not null,
  kind text not null,
  text text not null,
  detail jsonb default '{}'::jsonb not null,
  constraint incident_entries_pkey PRIMARY KEY (id),
  constraint incident_entries_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents(id) ON DELETE CASCADE,
  constraint incident_entries_kind_check CHECK ((kind = ANY (ARRAY['opened'::text, 'failure'::text, 'notified'::text, 'acknowledged'::text, 'note'::text, 'recovered'::text, 'closed'::text, 'reopened'::text])))
);

CREATE INDEX incident_entries_incident ON public.incident_entries USING btree (incident_id, id);

create table incident_rules (
  only_row boolean default true not null,
  channels text[] default '{}'::text[] not null,
  repeated_times integer default 3 not null,
  repeated_seconds integer default 3600 not null,
  new_patterns boolean default true not null,
  close_after_successes integer default 3 not null,
  close_after_seconds integer default 86400 not null,
  constraint incident_rules_pkey PRIMARY KEY (only_row),
  constraint incident_rules_only_row_check CHECK (only_row)
);

create table incidents (
  id bigint generated always as identity not null,
  public_id text not null,
  owner_id bigint not null,
  source text not null,
  event_id bigint,
  group_id bigint,
  kind text not null,
  title text not null,
  state text default 'open'::text not null,
  failures bigint default 0 not null,
  opened_at timestamp with time zone default now() not null,
  acknowledged_by text,
  closed_at timestamp with time zone,
  closed_by text,
  constraint incidents_pkey PRIMARY KEY (id),
  constraint incidents_public_id_key UNIQUE (public_id),
  constraint incidents_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint incidents_group_id_fkey FOREIGN KEY (group_id) REFERENCES failure_groups(id) ON DELETE CASCADE,
  constraint incidents_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'repeated'::text, 'flapping'::text, 'late'::text]))),
  constraint incidents_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'closed'::text])))
);

CREATE INDEX incidents_event ON public.incidents USING btree (event_id) WHERE (event_id IS NOT NULL);
CREATE INDEX incidents_group ON public.incidents USING btree (group_id) WHERE (group_id IS NOT NULL);
CREATE UNIQUE INDEX incidents_open ON public.incidents USING btree (group_id) WHERE ((closed_at IS NULL) AND (group_id IS NOT NULL));
CREATE UNIQUE INDEX incidents_open_source ON public.incidents USING btree (owner_id, source, kind) WHERE ((closed_at IS NULL) AND (group_id IS NULL));
CREATE INDEX incidents_owner ON public.incidents USING btree (owner_id, id);

create table installation (
  only_row boolean default true not null,
  created_at timestamp with time zone default now() not null,
  upkeep_seen_at timestamp with time zone default now() not null,
  reap_not_before timestamp with time zone default now() not null,
  secret_key_id text,
  jwt_key_id text,
  constraint installation_pkey PRIMARY KEY (only_row),
  constraint installation_only_row_check CHECK (only_row)
);

create table job_count_deltas (
  owner_id bigint not null,
  queue_id bigint not null,
  state text not null,
  jobs bigint not null,
  log_bytes bigint not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_vacuum_cost_delay=0);

create table job_counts (
  owner_id bigint not null,
  queue_id bigint not null,
  state text not null,
  jobs bigint not null,
  log_bytes bigint not null,
  constraint job_counts_pkey PRIMARY KEY (owner_id, queue_id, state)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_cost_delay=0);

create table job_dependencies (
  job_id bigint not null,
  depends_on_id bigint not null,
  constraint job_dependencies_pkey PRIMARY KEY (job_id, depends_on_id),
  constraint job_dependencies_depends_on_id_fkey FOREIGN KEY (depends_on_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint job_dependencies_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_cost_delay=0);

CREATE INDEX job_dependencies_reverse ON public.job_dependencies USING btree (depends_on_id);

create table job_tests (
  job_id bigint not null,
  run_id bigint,
  attempt integer not null,
  total integer not null,
  passed integer not null,
  failed integer not null,
  skipped integer not null,
  duration_ms double precision not null,
  constraint job_tests_pkey PRIMARY KEY (job_id),
  constraint job_tests_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE
);

CREATE INDEX job_tests_run ON public.job_tests USING btree (run_id) WHERE (run_id IS NOT NULL);

create table jobs (
  id bigint generated always as identity not null,
  public_id text not null,
  owner_id bigint not null,
  queue_id bigint not null,
  lane_id bigint,
  state text not null,
  state_since timestamp with time zone default now() not null,
  rank bigint,
  name text not null,
  spec jsonb not null,
  env_sealed bytea,
  priority smallint not null,
  created_at timestamp with time zone default now() not null,
  not_before timestamp with time zone,
  scheduled_for text,
  blockers_left integer default 0 not null,
  max_attempts integer not null,
  attempts_spent integer default 0 not null,
  last_attempt integer default 0 not null,
  cancel_requested_at timestamp with time zone,
  cancel_reason text,
  cancel_now boolean default false not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  outcome jsonb,
  rerun_of text,
  log_bytes bigint default 0 not null,
  labels text[],
  run_id bigint,
  run_index integer,
  outputs jsonb,
  memory_bytes bigint,
  constraint jobs_pkey PRIMARY KEY (id),
  constraint jobs_public_id_key UNIQUE (public_id),
  constraint jobs_priority_check CHECK (((priority >= 0) AND (priority <= 10))),
  constraint jobs_scheduled_for_check CHECK ((scheduled_for = ANY (ARRAY['delay'::text, 'backoff'::text]))),
  constraint jobs_state_check CHECK ((state = ANY (ARRAY['blocked'::text, 'scheduled'::text, 'queued'::text, 'leased'::text, 'running'::text, 'unknown'::text, 'succeeded'::text, 'failed'::text, 'timed_out'::text, 'oom_killed'::text, 'cancelled'::text, 'lost'::text, 'skipped'::text])))
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0, autovacuum_analyze_scale_factor=0.05);

CREATE INDEX jobs_claim ON public.jobs USING btree (lane_id, rank, id) WHERE (state = 'queued'::text);
CREATE INDEX jobs_due ON public.jobs USING btree (not_before) WHERE (state = 'scheduled'::text);
CREATE INDEX jobs_ended_of_owner ON public.jobs USING btree (owner_id, ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX jobs_ended_of_queue ON public.jobs USING btree (queue_id, ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX jobs_held ON public.jobs USING btree (id) WHERE (state = ANY (ARRAY['leased'::text, 'running'::text, 'unknown'::text]));
CREATE INDEX jobs_kind ON public.jobs USING btree (owner_id, queue_id, state, id);
CREATE INDEX jobs_rerun ON public.jobs USING btree (rerun_of, id) WHERE (rerun_of IS NOT NULL);
CREATE INDEX jobs_run ON public.jobs USING btree (run_id, state, id) WHERE (run_id IS NOT NULL);
CREATE TRIGGER count_deleted AFTER DELETE ON public.jobs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_jobs();
CREATE TRIGGER count_inserted AFTER INSERT ON public.jobs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_jobs();
CREATE TRIGGER count_updated AFTER UPDATE ON public.jobs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_jobs();

create table lanes (
  id bigint generated always as identity not null,
  queue_id bigint not null,
  owner_id bigint not null,
  executor text not null,
  required_labels text[] not null,
  cpu_millis integer not null,
  memory_mib integer not null,
  last_used_at timestamp with time zone default now() not null,
  placement jsonb default '{}'::jsonb not null,
  constraint lanes_pkey PRIMARY KEY (id),
  constraint lanes_alike UNIQUE (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib, placement),
  constraint lanes_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint lanes_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES queues(id) ON DELETE CASCADE
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_cost_delay=0);

create table log_removals (
  server_id bigint not null,
  job_id bigint not null,
  number integer not null,
  constraint log_removals_pkey PRIMARY KEY (server_id, job_id, number),
  constraint log_removals_server_id_fkey FOREIGN KEY (server_id) REFERENCES servers(id) ON DELETE CASCADE
);

create table message_templates (
  id bigint generated always as identity not null,
  name text not null,
  owner_id bigint not null,
  description text,
  input json not null,
  sample json default '{}'::json not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint message_templates_pkey PRIMARY KEY (id),
  constraint message_templates_name_key UNIQUE (name)
);

create table outbox (
  id bigint generated always as identity not null,
  about text not null,
  channel text not null,
  owner_id bigint not null,
  facts jsonb not null,
  created_at timestamp with time zone default now() not null,
  constraint outbox_pkey PRIMARY KEY (id),
  constraint outbox_about_channel_key UNIQUE (about, channel)
);

create table password_resets (
  user_id bigint not null,
  hash bytea not null,
  expires_at timestamp with time zone not null,
  constraint password_resets_pkey PRIMARY KEY (user_id),
  constraint password_resets_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table pipeline_roots (
  server_id bigint not null,
  root text not null,
  problems jsonb default '[]'::jsonb not null,
  loaded_at timestamp with time zone default now() not null,
  constraint pipeline_roots_pkey PRIMARY KEY (server_id, root),
  constraint pipeline_roots_server_id_fkey FOREIGN KEY (server_id) REFERENCES servers(id) ON DELETE CASCADE
);

create table pipeline_runs (
  run_id bigint not null,
  uuid uuid not null,
  pipeline_id bigint not null,
  version_id bigint not null,
  state text not null,
  result text,
  admitted_at timestamp with time zone,
  not_before timestamp with time zone,
  queue_partition text,
  variables json default '{}'::json not null,
  label text,
  trigger text not null,
  parent_run_id bigint,
  parent_task text,
  parent_item integer,
  depth integer default 0 not null,
  last_error text,
  constraint pipeline_runs_pkey PRIMARY KEY (run_id),
  constraint pipeline_runs_uuid_key UNIQUE (uuid),
  constraint pipeline_runs_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id),
  constraint pipeline_runs_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id) ON DELETE CASCADE,
  constraint pipeline_runs_version_id_fkey FOREIGN KEY (version_id) REFERENCES pipeline_versions(id),
  constraint pipeline_runs_check CHECK (((state = 'ended'::text) = (result IS NOT NULL))),
  constraint pipeline_runs_result_check CHECK ((result = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text]))),
  constraint pipeline_runs_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'ended'::text]))),
  constraint pipeline_runs_trigger_check CHECK ((trigger = ANY (ARRAY['manual'::text, 'schedule'::text, 'pipeline'::text, 'rerun'::text])))
);

CREATE INDEX pipeline_runs_open ON public.pipeline_runs USING btree (pipeline_id, state, run_id) WHERE (state <> 'ended'::text);
CREATE UNIQUE INDEX pipeline_runs_parent ON public.pipeline_runs USING btree (parent_run_id, parent_task, parent_item) WHERE (parent_run_id IS NOT NULL);
CREATE INDEX pipeline_runs_pipeline ON public.pipeline_runs USING btree (pipeline_id, run_id);
CREATE INDEX pipeline_runs_version ON public.pipeline_runs USING btree (version_id);

create table pipeline_versions (
  id bigint generated always as identity not null,
  pipeline_id bigint not null,
  number integer not null,
  hash text not null,
  definition json not null,
  source text not null,
  created_by text,
  created_at timestamp with time zone default now() not null,
  constraint pipeline_versions_pkey PRIMARY KEY (id),
  constraint pipeline_versions_pipeline_id_number_key UNIQUE (pipeline_id, number),
  constraint pipeline_versions_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id) ON DELETE CASCADE
);

create table pipelines (
  id bigint generated always as identity not null,
  name text not null,
  source text not null,
  path text,
  root text,
  owner_id bigint,
  version integer not null,
  problems jsonb default '[]'::jsonb not null,
  gone_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint pipelines_pkey PRIMARY KEY (id),
  constraint pipelines_name_key UNIQUE (name),
  constraint pipelines_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id),
  constraint pipelines_check CHECK (((source = 'file'::text) = (path IS NOT NULL))),
  constraint pipelines_source_check CHECK ((source = ANY (ARRAY['file'::text, 'stored'::text])))
);

create table queue_turns (
  queue_id bigint not null,
  owner_id bigint not null,
  last_token bigint not null,
  constraint queue_turns_pkey PRIMARY KEY (queue_id, owner_id),
  constraint queue_turns_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint queue_turns_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES queues(id) ON DELETE CASCADE
) with (fillfactor=50, autovacuum_vacuum_cost_delay=0);

create table queues (
  id bigint generated always as identity not null,
  name text not null,
  concurrency integer,
  rate_starts integer,
  rate_seconds double precision,
  rate_tokens double precision,
  rate_refilled_at timestamp with time zone,
  paused boolean default false not null,
  created_at timestamp with time zone default now() not null,
  retain_days double precision,
  retain_count integer,
  constraint queues_pkey PRIMARY KEY (id),
  constraint queues_name_key UNIQUE (name),
  constraint queues_check CHECK (((rate_starts IS NULL) = (rate_seconds IS NULL))),
  constraint queues_concurrency_check CHECK ((concurrency > 0)),
  constraint queues_rate_seconds_check CHECK ((rate_seconds > (0)::double precision)),
  constraint queues_rate_starts_check CHECK ((rate_starts > 0)),
  constraint queues_retain_count_check CHECK ((retain_count >= 0)),
  constraint queues_retain_days_check CHECK ((retain_days >= (0)::double precision))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200);

create table run_count_deltas (
  run_id bigint not null,
  state text not null,
  jobs bigint not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_vacuum_cost_delay=0);

CREATE INDEX run_count_deltas_run ON public.run_count_deltas USING btree (run_id);

create table run_counts (
  run_id bigint not null,
  state text not null,
  jobs bigint not null,
  constraint run_counts_pkey PRIMARY KEY (run_id, state),
  constraint run_counts_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id) ON DELETE CASCADE
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_cost_delay=0);

create table run_tasks (
  run_id bigint not null,
  name text not null,
  item integer default '-1'::integer not null,
  position integer not null,
  state text not null,
  job_id text,
  child_run text,
  value json,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  exit_code integer,
  error text,
  outputs jsonb,
  cancel_requested_at timestamp with time zone,
  decision text,
  decided_by text,
  decided_at timestamp with time zone,
  note text,
  constraint run_tasks_pkey PRIMARY KEY (run_id, name, item),
  constraint run_tasks_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id) ON DELETE CASCADE,
  constraint run_tasks_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text, 'timed_out'::text]))),
  constraint run_tasks_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'approval'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'skipped'::text])))
);

CREATE INDEX run_tasks_job ON public.run_tasks USING btree (job_id) WHERE (job_id IS NOT NULL);
CREATE INDEX run_tasks_open ON public.run_tasks USING btree (run_id) WHERE (state = ANY (ARRAY['running'::text, 'approval'::text]));

create table runners (
  id bigint generated always as identity not null,
  name text not null,
  session text not null,
  version text not null,
  hostname text not null,
  labels text[] not null,
  slots integer not null,
  cpu_millis integer not null,
  memory_mib integer not null,
  executors text[] not null,
  facilities jsonb not null,
  state text not null,
  registered_at timestamp with time zone default now() not null,
  last_seen_at timestamp with time zone default now() not null,
  certificate_id bigint,
  place text,
  taken_over_from text,
  taken_over_at timestamp with time zone,
  constraint runners_pkey PRIMARY KEY (id),
  constraint runners_name_key UNIQUE (name),
  constraint runners_certificate_id_fkey FOREIGN KEY (certificate_id) REFERENCES certificates(id) ON DELETE SET NULL,
  constraint runners_state_check CHECK ((state = ANY (ARRAY['online'::text, 'draining'::text, 'offline'::text])))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200);

CREATE INDEX runners_certificate ON public.runners USING btree (certificate_id) WHERE (certificate_id IS NOT NULL);

create table runs (
  id bigint generated always as identity not null,
  public_id text not null,
  kind text not null,
  owner_id bigint not null,
  name text not null,
  description text,
  size integer not null,
  created_at timestamp with time zone default now() not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  forced_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  rerun_of text,
  template text,
  notify jsonb default '[]'::jsonb not null,
  constraint runs_pkey PRIMARY KEY (id),
  constraint runs_public_id_key UNIQUE (public_id),
  constraint runs_kind_check CHECK ((kind = ANY (ARRAY['batch'::text, 'pipeline'::text]))),
  constraint runs_size_check CHECK (((size > 0) OR (kind = 'pipeline'::text)))
);

CREATE INDEX runs_kind ON public.runs USING btree (kind, id);
CREATE INDEX runs_open ON public.runs USING btree (id) WHERE (ended_at IS NULL);
CREATE INDEX runs_owner ON public.runs USING btree (owner_id, kind, id);
CREATE INDEX runs_rerun ON public.runs USING btree (rerun_of) WHERE (rerun_of IS NOT NULL);

create table schedule_ticks (
  schedule_id bigint not null,
  tick timestamp with time zone not null,
  outcome text not null,
  run_id text,
  reason text,
  last_tick timestamp with time zone,
  fired_at timestamp with time zone default now() not null,
  late_check_at timestamp with time zone,
  late_told_at timestamp with time zone,
  constraint schedule_ticks_pkey PRIMARY KEY (schedule_id, tick),
  constraint schedule_ticks_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES schedules(id) ON DELETE CASCADE,
  constraint schedule_ticks_check CHECK (((outcome = 'started'::text) = (run_id IS NOT NULL))),
  constraint schedule_ticks_check1 CHECK (((outcome = 'missed'::text) = (last_tick IS NOT NULL))),
  constraint schedule_ticks_outcome_check CHECK ((outcome = ANY (ARRAY['started'::text, 'skipped'::text, 'missed'::text, 'refused'::text])))
);

CREATE INDEX schedule_ticks_fired ON public.schedule_ticks USING btree (fired_at);
CREATE INDEX schedule_ticks_late ON public.schedule_ticks USING btree (late_check_at) WHERE (late_check_at IS NOT NULL);
CREATE INDEX schedule_ticks_run ON public.schedule_ticks USING btree (run_id) WHERE (run_id IS NOT NULL);

create table schedules (
  id bigint generated always as identity not null,
  public_id text not null,
  pipeline_id bigint,
  name text not null,
  source text not null,
  owner_id bigint not null,
  cron text,
  every_seconds integer,
  zone text default 'UTC'::text not null,
  misfire text default 'run_once'::text not null,
  catch_up_seconds integer default 3600 not null,
  catch_up_limit integer default 100 not null,
  overlap text default 'queue'::text not null,
  variables json default '{}'::json not null,
  enabled boolean default true not null,
  file_enabled boolean,
  late_after_seconds integer,
  starts_at timestamp with time zone,
  ends_at timestamp with time zone,
  next_at timestamp with time zone,
  look_at timestamp with time zone,
  high_water timestamp with time zone not null,
  problem text,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  event_id bigint,
  input json,
  constraint schedules_pkey PRIMARY KEY (id),
  constraint schedules_pipeline_id_name_key UNIQUE (pipeline_id, name),
  constraint schedules_public_id_key UNIQUE (public_id),
  constraint schedules_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id) ON DELETE CASCADE,
  constraint schedules_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id),
  constraint schedules_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id) ON DELETE CASCADE,
  constraint schedules_catch_up_limit_check CHECK ((catch_up_limit > 0)),
  constraint schedules_catch_up_seconds_check CHECK ((catch_up_seconds >= 0)),
  constraint schedules_check CHECK (((cron IS NULL) <> (every_seconds IS NULL))),
  constraint schedules_check1 CHECK (((next_at IS NULL) = (look_at IS NULL))),
  constraint schedules_every_seconds_check CHECK ((every_seconds > 0)),
  constraint schedules_late_after_seconds_check CHECK ((late_after_seconds > 0)),
  constraint schedules_misfire_check CHECK ((misfire = ANY (ARRAY['skip'::text, 'run_once'::text, 'run_all'::text]))),
  constraint schedules_overlap_check CHECK ((overlap = ANY (ARRAY['queue'::text, 'skip'::text, 'cancel_running'::text]))),
  constraint schedules_source_check CHECK ((source = ANY (ARRAY['file'::text, 'api'::text, 'event'::text]))),
  constraint schedules_target_check CHECK (((pipeline_id IS NULL) <> (event_id IS NULL)))
);

CREATE INDEX schedules_due ON public.schedules USING btree (look_at) WHERE enabled;
CREATE UNIQUE INDEX schedules_event ON public.schedules USING btree (event_id, name) WHERE (event_id IS NOT NULL);
CREATE INDEX schedules_owner ON public.schedules USING btree (owner_id);

create table schema_migrations (
  version text not null,
  checksum text not null,
  applied_at timestamp with time zone default now() not null,
  constraint schema_migrations_pkey PRIMARY KEY (version)
);

create table sealing_keys (
  key_id text not null,
  added_at timestamp with time zone default now() not null,
  used_at timestamp with time zone,
  retired_at timestamp with time zone,
  constraint sealing_keys_pkey PRIMARY KEY (key_id)
);

create table servers (
  id bigint generated always as identity not null,
  name text not null,
  address text,
  version text not null,
  started_at timestamp with time zone default now() not null,
  last_seen_at timestamp with time zone default now() not null,
  sealing_key text,
  opens_keys text[] default '{}'::text[] not null,
  constraint servers_pkey PRIMARY KEY (id),
  constraint servers_name_key UNIQUE (name)
);

create table sign_in_addresses (
  user_id bigint not null,
  address text not null,
  last_at timestamp with time zone default now() not null,
  constraint sign_in_addresses_pkey PRIMARY KEY (user_id, address),
  constraint sign_in_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table sign_in_failures (
  name text not null,
  failures integer not null,
  last_at timestamp with time zone not null,
  locked_until timestamp with time zone,
  constraint sign_in_failures_pkey PRIMARY KEY (name)
);

CREATE INDEX sign_in_failures_last ON public.sign_in_failures USING btree (last_at);

create table test_results (
  job_id bigint not null,
  attempt integer not null,
  nr integer not null,
  owner_id bigint not null,
  run_id bigint,
  series bigint not null,
  status smallint not null,
  suite text not null,
  name text not null,
  duration_ms double precision not null,
  message text,
  at timestamp with time zone default now() not null,
  constraint test_results_pkey PRIMARY KEY (job_id, attempt, nr),
  constraint test_results_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint test_results_status_check CHECK (((status >= 0) AND (status <= 2)))
);

CREATE INDEX test_results_recent ON public.test_results USING btree (owner_id, at);
CREATE INDEX test_results_run ON public.test_results USING btree (run_id, status, job_id, attempt, nr) WHERE (run_id IS NOT NULL);

create table users (
  id bigint generated always as identity not null,
  username text not null,
  password_hash text not null,
  role text not null,
  max_running integer default 100 not null,
  disabled_at timestamp with time zone,
  sessions_valid_after timestamp with time zone default now() not null,
  created_at timestamp with time zone default now() not null,
  last_seen_at timestamp with time zone,
  deleted_at timestamp with time zone,
  constraint users_pkey PRIMARY KEY (id),
  constraint users_max_running_check CHECK ((max_running >= 0)),
  constraint users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'operator'::text, 'viewer'::text])))
);

CREATE UNIQUE INDEX users_username ON public.users USING btree (lower(username));

create table variables (
  id bigint generated always as identity not null,
  scope text not null,
  owner_id bigint,
  name text not null,
  secret boolean default false not null,
  description text,
  value_sealed bytea not null,
  version bigint default 1 not null,
  bytes integer not null,
  updated_by text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  last_read_at timestamp with time zone,
  constraint variables_pkey PRIMARY KEY (id),
  constraint variables_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint variables_check CHECK (((scope = 'global'::text) = (owner_id IS NULL))),
  constraint variables_scope_check CHECK ((scope = ANY (ARRAY['user'::text, 'global'::text])))
);

CREATE UNIQUE INDEX variables_name ON public.variables USING btree (COALESCE(owner_id, (0)::bigint), name);

create table webhook_deliveries (
  webhook_id bigint not null,
  delivery_id text not null,
  body_hash bytea,
  run_id text,
  reason text,
  received_at timestamp with time zone default now() not null,
  constraint webhook_deliveries_pkey PRIMARY KEY (webhook_id, delivery_id),
  constraint webhook_deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES event_webhooks(id) ON DELETE CASCADE
);

CREATE INDEX webhook_deliveries_age ON public.webhook_deliveries USING btree (received_at);
CREATE UNIQUE INDEX webhook_deliveries_body ON public.webhook_deliveries USING btree (webhook_id, body_hash) WHERE (body_hash IS NOT NULL);
CREATE INDEX webhook_deliveries_newest ON public.webhook_deliveries USING btree (webhook_id, received_at);

CREATE OR REPLACE FUNCTION public.count_jobs()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the audit log is append-only';
end $function$;
