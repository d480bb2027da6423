/**
 * The tables as Kysely sees them. A test compares names and nullability with the migrated database, so a migration
 * that forgets this file fails.
 */
import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** bigint: a string when read; a number or a string when written. */
type Big = ColumnType<string, string | number | bigint, string | number | bigint>
type BigId = GeneratedAlways<string>
type DefaultedBig = ColumnType<string, string | number | bigint | undefined, string | number | bigint>
type Time = ColumnType<Date, Date | string, Date | string>
type DefaultedTime = ColumnType<Date, Date | string | undefined, Date | string>
type OptionalTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
type Json<T = unknown> = ColumnType<T, string, string>
type OptionalJson<T = unknown> = ColumnType<T | null, string | null | undefined, string | null>
type DefaultedJson<T = unknown> = ColumnType<T, string | undefined, string>
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>

export interface InstallationTable {
  only_row: Generated<boolean>
  created_at: DefaultedTime
  upkeep_seen_at: DefaultedTime
  reap_not_before: DefaultedTime
  secret_key_id: Optional<string>
  jwt_key_id: Optional<string>
}

export interface UsersTable {
  id: BigId
  username: string
  password_hash: string
  role: 'admin' | 'operator' | 'viewer'
  max_running: Generated<number>
  disabled_at: OptionalTime
  sessions_valid_after: DefaultedTime
  created_at: DefaultedTime
  last_seen_at: OptionalTime
  deleted_at: OptionalTime
}

export interface ApiTokensTable {
  id: BigId
  user_id: Big
  name: string
  hash: Buffer
  created_at: DefaultedTime
  expires_at: OptionalTime
  last_used_at: OptionalTime
  revoked_at: OptionalTime
  scopes: Optional<string[]>
}

export interface SignInFailuresTable {
  name: string
  failures: number
  last_at: Time
  locked_until: OptionalTime
}

export interface SignInAddressesTable {
  user_id: Big
  address: string
  last_at: DefaultedTime
}

export interface PasswordResetsTable {
  user_id: Big
  hash: Buffer
  expires_at: Time
}

export interface QueueTurnsTable {
  queue_id: Big
  owner_id: Big
  last_token: Big
}

export interface QueuesTable {
  id: BigId
  name: string
  concurrency: Optional<number>
  rate_starts: Optional<number>
  rate_seconds: Optional<number>
  rate_tokens: Optional<number>
  rate_refilled_at: OptionalTime
  paused: Generated<boolean>
  created_at: DefaultedTime
  retain_days: Optional<number>
  retain_count: Optional<number>
}

export interface LanesTable {
  id: BigId
  queue_id: Big
  owner_id: Big
  executor: string
  required_labels: string[]
  cpu_millis: number
  memory_mib: number
  last_used_at: DefaultedTime
  placement: ColumnType<unknown, string | undefined, string>
}

export interface RunnersTable {
  id: BigId
  name: string
  session: string
  version: string
  hostname: string
  labels: string[]
  slots: number
  cpu_millis: number
  memory_mib: number
  executors: string[]
  facilities: Json
  state: 'online' | 'draining' | 'offline'
  registered_at: DefaultedTime
  last_seen_at: DefaultedTime
  certificate_id: Optional<string>
  place: Optional<string>
  taken_over_from: Optional<string>
  taken_over_at: OptionalTime
}

export interface JobsTable {
  id: BigId
  public_id: string
  owner_id: Big
  queue_id: Big
  lane_id: Optional<string>
  state: string
  state_since: DefaultedTime
  rank: Optional<string>
  name: string
  spec: Json
  env_sealed: Optional<Buffer>
  priority: number
  created_at: DefaultedTime
  not_before: OptionalTime
  scheduled_for: Optional<'delay' | 'backoff'>
  blockers_left: Generated<number>
  max_attempts: number
  attempts_spent: Generated<number>
  last_attempt: Generated<number>
  cancel_requested_at: OptionalTime
  cancel_reason: Optional<string>
  cancel_now: Generated<boolean>
  started_at: OptionalTime
  ended_at: OptionalTime
  outcome: OptionalJson
  rerun_of: Optional<string>
  log_bytes: DefaultedBig
  labels: Optional<string[]>
  run_id: Optional<string>
  run_index: Optional<number>
  outputs: OptionalJson<Record<string, string>>
  memory_bytes: Optional<string>
}

export interface RunsTable {
  id: BigId
  public_id: string
  kind: 'batch' | 'pipeline'
  owner_id: Big
  name: string
  description: Optional<string>
  size: number
  created_at: DefaultedTime
  started_at: OptionalTime
  ended_at: OptionalTime
  forced_at: OptionalTime
  cancel_requested_at: OptionalTime
  rerun_of: Optional<string>
  template: Optional<string>
  notify: ColumnType<unknown, string | undefined, string>
}

export interface PipelinesTable {
  id: BigId
  name: string
  source: 'file' | 'stored'
  path: Optional<string>
  root: Optional<string>
  owner_id: Optional<string>
  version: number
  problems: ColumnType<unknown, string | undefined, string>
  gone_at: OptionalTime
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface PipelineVersionsTable {
  id: BigId
  pipeline_id: Big
  number: number
  hash: string
  definition: Json
  source: string
  created_by: Optional<string>
  created_at: DefaultedTime
}

export interface PipelineRootsTable {
  server_id: Big
  root: string
  problems: ColumnType<unknown, string | undefined, string>
  loaded_at: DefaultedTime
}

export interface PipelineRunsTable {
  run_id: Big
  uuid: string
  pipeline_id: Big
  version_id: Big
  state: 'waiting' | 'running' | 'ended'
  result: Optional<'succeeded' | 'failed' | 'cancelled'>
  admitted_at: OptionalTime
  not_before: OptionalTime
  queue_partition: Optional<string>
  variables: ColumnType<unknown, string | undefined, string>
  label: Optional<string>
  trigger: 'manual' | 'schedule' | 'pipeline' | 'rerun'
  parent_run_id: Optional<string>
  parent_task: Optional<string>
  parent_item: Optional<number>
  depth: Generated<number>
  last_error: Optional<string>
}

export interface RunTasksTable {
  run_id: Big
  name: string
  item: Generated<number>
  position: number
  state: string
  job_id: Optional<string>
  child_run: Optional<string>
  value: OptionalJson
  started_at: OptionalTime
  ended_at: OptionalTime
  exit_code: Optional<number>
  error: Optional<string>
  outputs: OptionalJson<Record<string, string>>
  cancel_requested_at: OptionalTime
  decision: Optional<'approved' | 'rejected' | 'timed_out'>
  decided_by: Optional<string>
  decided_at: OptionalTime
  note: Optional<string>
}

export interface SchedulesTable {
  id: BigId
  public_id: string
  pipeline_id: Optional<string>
  event_id: Optional<string>
  input: OptionalJson
  name: string
  source: 'file' | 'api' | 'event'
  owner_id: Big
  cron: Optional<string>
  every_seconds: Optional<number>
  zone: Generated<string>
  misfire: Generated<string>
  catch_up_seconds: Generated<number>
  catch_up_limit: Generated<number>
  overlap: Generated<string>
  variables: DefaultedJson
  enabled: Generated<boolean>
  file_enabled: Optional<boolean>
  late_after_seconds: Optional<number>
  starts_at: OptionalTime
  ends_at: OptionalTime
  next_at: OptionalTime
  look_at: OptionalTime
  high_water: Time
  problem: Optional<string>
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface ScheduleTicksTable {
  schedule_id: Big
  tick: Time
  outcome: 'started' | 'skipped' | 'missed' | 'refused'
  run_id: Optional<string>
  reason: Optional<string>
  last_tick: OptionalTime
  fired_at: DefaultedTime
  late_check_at: OptionalTime
  late_told_at: OptionalTime
}

export interface ArtifactsTable {
  id: BigId
  job_id: Optional<string>
  attempt: number
  name: string
  bytes: Big
  sha256: Buffer
  blob: string
  server_id: Optional<string>
  created_at: DefaultedTime
}

export interface RunCountsTable {
  run_id: Big
  state: string
  jobs: Big
}

export interface RunCountDeltasTable {
  run_id: Big
  state: string
  jobs: Big
}

export interface JobTestsTable {
  job_id: Big
  run_id: Optional<string>
  attempt: number
  total: number
  passed: number
  failed: number
  skipped: number
  duration_ms: number
}

export interface TestResultsTable {
  job_id: Big
  attempt: number
  nr: number
  owner_id: Big
  run_id: Optional<string>
  series: Big
  status: number
  suite: string
  name: string
  duration_ms: number
  message: Optional<string>
  at: DefaultedTime
}

export interface BatchTemplatesTable {
  id: BigId
  owner_id: Big
  name: string
  description: Optional<string>
  shared: Generated<boolean>
  body: Json
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface ChannelsTable {
  id: BigId
  name: string
  kind: 'slack' | 'discord' | 'webhook' | 'email'
  description: Optional<string>
  destination: string
  enabled: Generated<boolean>
  quiet: ColumnType<unknown, string | undefined, string>
  settings_sealed: Buffer
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface HostsTable {
  id: BigId
  name: string
  description: Optional<string>
  address: string
  port: number
  username: string
  auth_method: 'key' | 'password' | 'agent'
  auth_sealed: Optional<Buffer>
  jump_id: Optional<string>
  labels: Generated<string[]>
  connections: number
  keep_alive_seconds: number
  connect_timeout_seconds: number
  enabled: Generated<boolean>
  open_to: 'operators' | 'admins'
  keys: ColumnType<unknown, string | undefined, string>
  seen_keys: ColumnType<unknown, string | undefined, string>
  seen_at: OptionalTime
  alarm_at: OptionalTime
  alarm_key: OptionalJson<{ type: string; fingerprint: string }>
  alarm_runner: Optional<string>
  alarm_job: Optional<string>
  facts: OptionalJson<Record<string, unknown>>
  facts_at: OptionalTime
  test_job: Optional<string>
  last_ok_at: OptionalTime
  last_failed_at: OptionalTime
  last_error: Optional<string>
  last_job: Optional<string>
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface ImagesTable {
  id: BigId
  name: string
  reference: string
  description: Optional<string>
  languages: Generated<string[]>
  pull: Generated<'missing' | 'always' | 'never'>
  registry_username: Optional<string>
  password_sealed: Optional<Buffer>
  password_secret: Optional<string>
  warm_least: Generated<number>
  warm_most: Generated<number>
  enabled: Generated<boolean>
  open_to: Generated<'operators' | 'admins'>
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface OutboxTable {
  id: BigId
  about: string
  channel: string
  owner_id: Big
  facts: Json
  created_at: DefaultedTime
}

export interface DeliveriesTable {
  id: BigId
  delivery_id: string
  about: string
  channel: string
  owner_id: Big
  subject: string
  job_id: Optional<string>
  not_sent: Optional<string>
  message: Json
  held_until: OptionalTime
  created_at: DefaultedTime
}

export interface JobCountsTable {
  owner_id: Big
  queue_id: Big
  state: string
  jobs: Big
  log_bytes: Big
}

export interface JobCountDeltasTable {
  owner_id: Big
  queue_id: Big
  state: string
  jobs: Big
  log_bytes: Big
}

export interface EndedMinutesTable {
  owner_id: Big
  minute: Time
  state: string
  jobs: Big
}

export interface JobDependenciesTable {
  job_id: Big
  depends_on_id: Big
}

export interface AttemptsTable {
  job_id: Big
  number: number
  token: DefaultedBig
  runner_id: Big
  state: string
  leased_at: DefaultedTime
  lease_expires_at: Time
  started_at: OptionalTime
  ended_at: OptionalTime
  outcome: OptionalJson
  log: OptionalJson
  unenforced: Optional<string[]>
  log_server: Optional<string>
  log_shared: Generated<boolean>
  memory_bytes: Optional<string>
}

export interface CertificateAuthoritiesTable {
  id: BigId
  certificate_pem: string
  key_sealed: Buffer
  not_after: Time
  created_at: DefaultedTime
}

export interface CertificatesTable {
  id: BigId
  authority_id: Big
  fingerprint: Buffer
  serial: string
  name: string
  role: 'admin' | 'operator' | 'viewer' | 'runner' | 'server' | 'enrol'
  user_id: Optional<string>
  not_before: Time
  not_after: Time
  issued_by: string
  created_at: DefaultedTime
  last_used_at: OptionalTime
  spent_at: OptionalTime
  revoked_at: OptionalTime
  revoke_reason: Optional<string>
}

export interface ServersTable {
  id: BigId
  name: string
  address: Optional<string>
  version: string
  started_at: DefaultedTime
  last_seen_at: DefaultedTime
  sealing_key: Optional<string>
  opens_keys: Generated<string[]>
}

export interface LogRemovalsTable {
  server_id: Big
  job_id: Big
  number: number
}

export interface IdempotencyKeysTable {
  owner_id: Big
  key: string
  body_hash: Buffer
  job_ids: string[]
  created_at: DefaultedTime
  run_id: Optional<string>
}

export interface AuditLogTable {
  id: BigId
  at: DefaultedTime
  actor_kind: string
  actor: string
  action: string
  target: Optional<string>
  result: 'done' | 'refused'
  detail: ColumnType<unknown, string | undefined, string>
  address: Optional<string>
}

export interface EventsTable {
  id: BigId
  public_id: string
  owner_id: Big
  name: string
  kind: 'bash' | 'python' | 'node' | 'http' | 'message' | 'pipeline'
  status: Generated<'draft' | 'active' | 'paused' | 'archived'>
  shared: Generated<boolean>
  tags: Generated<string[]>
  version: number
  executions: Generated<number>
  problem: Optional<string>
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface EventVersionsTable {
  id: BigId
  event_id: Big
  number: number
  hash: string
  definition: Json
  note: Optional<string>
  created_by: string
  created_at: DefaultedTime
}

export interface EventRunsTable {
  id: BigId
  public_id: string
  event_id: Big
  version: Optional<number>
  definition: Json
  owner_id: Big
  trigger: 'manual' | 'api' | 'schedule' | 'webhook' | 'job' | 'event' | 'pipeline' | 'action' | 'test' | 'redrive'
  cause: DefaultedJson
  job_id: Optional<string>
  pipeline_run_id: Optional<string>
  input_type: Optional<string>
  input: Optional<Buffer>
  input_artifact: Optional<string>
  input_bytes: Optional<string>
  depth: Generated<number>
  root_run: Optional<string>
  settled_at: OptionalTime
  end_state: Optional<'succeeded' | 'failed' | 'timed_out' | 'oom_killed' | 'cancelled' | 'lost' | 'skipped'>
  started_at: OptionalTime
  ended_at: OptionalTime
  exit_code: Optional<number>
  error: Optional<string>
  cpu_ms: Optional<string>
  memory_bytes: Optional<string>
  attempts: Optional<number>
  created_at: DefaultedTime
}

export interface AttemptResultsTable {
  job_id: Big
  number: number
  condition: Optional<boolean>
  output_type: Optional<string>
  output: Optional<Buffer>
  output_artifact: Optional<string>
  output_bytes: Optional<string>
  progress: Optional<number>
  status_text: Optional<string>
  updated_at: DefaultedTime
}

export interface HelperCallsTable {
  job_id: Big
  number: number
  key: string
  answer: Json
  created_at: DefaultedTime
}

export interface EventWebhooksTable {
  id: BigId
  public_id: string
  event_id: Big
  name: string
  key_hash: Buffer
  key_sealed: Buffer
  scheme: 'standard' | 'github'
  secret_sealed: Buffer
  old_secret_sealed: Optional<Buffer>
  old_secret_until: OptionalTime
  enabled: Generated<boolean>
  per_minute: Generated<number>
  rate_tokens: Optional<number>
  rate_refilled_at: OptionalTime
  created_at: DefaultedTime
  last_used_at: OptionalTime
}

export interface WebhookDeliveriesTable {
  webhook_id: Big
  delivery_id: string
  body_hash: Optional<Buffer>
  run_id: Optional<string>
  reason: Optional<string>
  received_at: DefaultedTime
}

export interface EventAfterTable {
  event_id: Big
  place: number
  kind: 'event' | 'pipeline' | 'job'
  source_event_id: Optional<string>
  pipeline: Optional<string>
  owner_id: Optional<string>
  job_name: Optional<string>
  on_states: string[]
}

export interface EventSignalsTable {
  id: BigId
  event_id: Big
  kind: 'event' | 'pipeline' | 'job'
  source: string
  state: string
  look_at: DefaultedTime
  created_at: DefaultedTime
}

export interface ActionFiringsTable {
  id: BigId
  run_id: Big
  action: string
  iteration: Generated<number>
  effect: Json
  delivery_id: string
  state: Generated<'due' | 'done' | 'skipped' | 'refused' | 'failed'>
  due_at: Time
  tries: Generated<number>
  result: OptionalJson
  reason: Optional<string>
  created_at: DefaultedTime
  done_at: OptionalTime
}

export interface MessageTemplatesTable {
  id: BigId
  name: string
  owner_id: Big
  description: Optional<string>
  input: Json
  sample: DefaultedJson
  created_at: DefaultedTime
  updated_at: DefaultedTime
}

export interface VariablesTable {
  id: BigId
  scope: 'user' | 'global'
  owner_id: Optional<string>
  name: string
  secret: Generated<boolean>
  description: Optional<string>
  value_sealed: Buffer
  version: DefaultedBig
  bytes: number
  updated_by: string
  created_at: DefaultedTime
  updated_at: DefaultedTime
  last_read_at: OptionalTime
}

export interface SealingKeysTable {
  key_id: string
  added_at: DefaultedTime
  used_at: OptionalTime
  retired_at: OptionalTime
}

export interface DeadLettersTable {
  job_id: Big
  owner_id: Big
  state: Generated<'open' | 'redriven' | 'dismissed'>
  group_id: Optional<string>
  redriven_as: Optional<string>
  acted_by: Optional<string>
  acted_at: OptionalTime
  at: DefaultedTime
}

export interface FailureGroupsTable {
  id: BigId
  public_id: string
  owner_id: Big
  source: string
  event_id: Optional<string>
  fingerprint: string
  state: string
  exit_code: Optional<number>
  pattern: string
  sample: string
  total: DefaultedBig
  first_at: Time
  last_at: Time
  muted_at: OptionalTime
}

export interface IncidentsTable {
  id: BigId
  public_id: string
  owner_id: Big
  source: string
  event_id: Optional<string>
  group_id: Optional<string>
  kind: 'new' | 'repeated' | 'flapping' | 'late'
  title: string
  state: Generated<'open' | 'acknowledged' | 'closed'>
  failures: DefaultedBig
  opened_at: DefaultedTime
  acknowledged_by: Optional<string>
  closed_at: OptionalTime
  closed_by: Optional<string>
}

export interface IncidentEntriesTable {
  id: BigId
  incident_id: Big
  at: DefaultedTime
  kind: 'opened' | 'failure' | 'notified' | 'acknowledged' | 'note' | 'recovered' | 'closed' | 'reopened'
  text: string
  detail: DefaultedJson
}

export interface IncidentRulesTable {
  only_row: Generated<boolean>
  channels: Generated<string[]>
  repeated_times: Generated<number>
  repeated_seconds: Generated<number>
  new_patterns: Generated<boolean>
  close_after_successes: Generated<number>
  close_after_seconds: Generated<number>
}

export interface AuditSealsTable {
  seq: Big
  audit_id: Big
  hash: Buffer
}

export interface SchemaMigrationsTable {
  version: string
  checksum: string
  applied_at: DefaultedTime
}

export interface Schema {
  installation: InstallationTable
  users: UsersTable
  api_tokens: ApiTokensTable
  sign_in_failures: SignInFailuresTable
  sign_in_addresses: SignInAddressesTable
  password_resets: PasswordResetsTable
  queue_turns: QueueTurnsTable
  queues: QueuesTable
  lanes: LanesTable
  runners: RunnersTable
  jobs: JobsTable
  runs: RunsTable
  pipelines: PipelinesTable
  pipeline_versions: PipelineVersionsTable
  pipeline_roots: PipelineRootsTable
  pipeline_runs: PipelineRunsTable
  run_tasks: RunTasksTable
  schedules: SchedulesTable
  schedule_ticks: ScheduleTicksTable
  artifacts: ArtifactsTable
  run_counts: RunCountsTable
  run_count_deltas: RunCountDeltasTable
  job_tests: JobTestsTable
  test_results: TestResultsTable
  batch_templates: BatchTemplatesTable
  channels: ChannelsTable
  hosts: HostsTable
  images: ImagesTable
  outbox: OutboxTable
  deliveries: DeliveriesTable
  job_counts: JobCountsTable
  job_count_deltas: JobCountDeltasTable
  ended_minutes: EndedMinutesTable
  job_dependencies: JobDependenciesTable
  attempts: AttemptsTable
  idempotency_keys: IdempotencyKeysTable
  certificate_authorities: CertificateAuthoritiesTable
  certificates: CertificatesTable
  servers: ServersTable
  log_removals: LogRemovalsTable
  audit_log: AuditLogTable
  audit_seals: AuditSealsTable
  events: EventsTable
  event_versions: EventVersionsTable
  event_runs: EventRunsTable
  attempt_results: AttemptResultsTable
  helper_calls: HelperCallsTable
  event_webhooks: EventWebhooksTable
  webhook_deliveries: WebhookDeliveriesTable
  event_after: EventAfterTable
  event_signals: EventSignalsTable
  action_firings: ActionFiringsTable
  message_templates: MessageTemplatesTable
  variables: VariablesTable
  sealing_keys: SealingKeysTable
  dead_letters: DeadLettersTable
  failure_groups: FailureGroupsTable
  incidents: IncidentsTable
  incident_entries: IncidentEntriesTable
  incident_rules: IncidentRulesTable
  schema_migrations: SchemaMigrationsTable
}
