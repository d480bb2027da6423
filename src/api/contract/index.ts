/**
 * The one contract: validation, the OpenAPI document and the typed client all come from here.
 * Routes that oRPC cannot carry (raw logs with ranges, the form-encoded OAuth2 grant, the WebSocket) are in `plain.ts`.
 */
import { conditions, messageTemplates, tools } from './actions.ts'
import { analytics } from './analytics.ts'
import { audit } from './audit.ts'
import { batches, batchTemplates } from './batches.ts'
import { certificates, runnerTokens } from './certificates.ts'
import { channels, messageDeliveries } from './channels.ts'
import { eventRuns, events } from './events.ts'
import { deadLetters, failureGroups, incidents } from './failures.ts'
import { hosts } from './hosts.ts'
import { images } from './images.ts'
import { jobs } from './jobs.ts'
import { limits } from './limits.ts'
import { account, me, session, tokens, users } from './people.ts'
import { pipelineRuns } from './pipeline-runs.ts'
import { pipelines } from './pipelines.ts'
import { schedules } from './schedules.ts'
import { health, queues, ready, runners } from './system.ts'
import { testInsights } from './test-results.ts'
import { sealingKeys, variables } from './variables.ts'
import { webhooks } from './webhooks.ts'

export const contract = {
  health,
  ready,
  me,
  session,
  account,
  jobs,
  limits,
  batches,
  batchTemplates,
  testInsights,
  pipelines,
  pipelineRuns,
  schedules,
  events,
  eventRuns,
  webhooks,
  variables,
  sealingKeys,
  tools,
  messageTemplates,
  conditions,
  deadLetters,
  failureGroups,
  incidents,
  analytics,
  queues,
  runners,
  users,
  tokens,
  channels,
  messageDeliveries,
  hosts,
  images,
  audit,
  certificates,
  runnerTokens,
}
export type Contract = typeof contract

export { apiPrefix, type Problem } from './base.ts'
export type { AuditRow } from './audit.ts'
export type { Batch, BatchInput, BatchTemplate } from './batches.ts'
export type { MessageTemplate, Tool } from './actions.ts'
export type { AnalyticsRow } from './analytics.ts'
export type { ActionFiring, EventDetail, EventRun, EventRunDetail, EventSummary, EventVersion } from './events.ts'
export type { Action, Effect } from '../../job/event-action.ts'
export type {
  AfterTrigger,
  EventDefinition,
  EventDefinitionInput,
  EventKind,
  EventSchedule,
  EventStatus,
  EventTrigger,
} from '../../job/event.ts'
export type { DeadLetter, FailureGroup, Incident } from './failures.ts'
export type { SuggestedLimits } from './limits.ts'
export type { SealingKey, Variable } from './variables.ts'
export type { Webhook } from './webhooks.ts'
export type { Certificate, CertificateAuthority } from './certificates.ts'
export type { Channel, ChannelKind, Delivery, Quiet } from './channels.ts'
export type { Artifact } from './artifacts.ts'
export type { Host, HostFacts, HostKey, HostState, TerminalClientMessage, TerminalServerMessage } from './hosts.ts'
export type { ContainerEngine, Image } from './images.ts'
export type { Attempt, Job, JobResult, StatusWord } from './job.ts'
export type { ApiToken, Me, TokenScope, User } from './people.ts'
export type { PipelineRun, PipelineTask } from './pipeline-runs.ts'
export type { Pipeline, PipelineDetail, PipelineVersion } from './pipelines.ts'
export type { Schedule, ScheduleTick } from './schedules.ts'
export type { Queue, Runner } from './system.ts'
export type { ClientMessage, ServerMessage } from './live.ts'
export type { TestInsight, TestResult } from './test-results.ts'
