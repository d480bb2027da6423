import type { ContractRouterClient } from '@orpc/contract'
import type { JsonifiedClient } from '@orpc/openapi-client'
import routes from 'virtual:contract'
import type { Contract } from '../../../src/api/contract/index.ts'
import { clientOf } from './call.ts'

export type { Attempt, Job, JobResult, Me, Queue, Runner, StatusWord } from '../../../src/api/contract/index.ts'
export type {
  Action,
  ActionFiring,
  AfterTrigger,
  AnalyticsRow,
  ApiToken,
  Artifact,
  AuditRow,
  Batch,
  BatchInput,
  BatchTemplate,
  Certificate,
  Channel,
  DeadLetter,
  Delivery,
  Effect,
  EventDefinition,
  EventDefinitionInput,
  EventDetail,
  EventKind,
  EventRun,
  EventRunDetail,
  EventSchedule,
  EventStatus,
  EventSummary,
  EventTrigger,
  EventVersion,
  FailureGroup,
  Host,
  Image,
  Incident,
  MessageTemplate,
  Pipeline,
  PipelineDetail,
  PipelineRun,
  PipelineTask,
  PipelineVersion,
  Schedule,
  ScheduleTick,
  SealingKey,
  SuggestedLimits,
  TestInsight,
  TestResult,
  TokenScope,
  Tool,
  User,
  Variable,
  Webhook,
} from '../../../src/api/contract/index.ts'

interface Context {
  /** The same key with the same body gives the same job: a submit may be sent again without fear. */
  idempotencyKey?: string
}

const prefix = '/api/v1'

/** The typed client: `api.jobs.get({ id })`. Types come from the contract, methods and paths from its JSON. */
export const api = clientOf(routes, prefix) as JsonifiedClient<ContractRouterClient<Contract, Context>>

export interface LogAddress {
  id: string
  stream: 'all' | 'stdout' | 'stderr'
  attempt?: number
}

/** The stored bytes of a log, unchanged. */
export function logUrl({ id, stream, attempt }: LogAddress): string {
  const search = new URLSearchParams({ stream, download: 'true' })
  if (attempt !== undefined) search.set('attempt', String(attempt))
  return `${prefix}/jobs/${id}/logs?${search}`
}

/** The bytes of a file that a job left. */
export function artifactUrl(id: string, name: string, attempt: number): string {
  const path = name.split('/').map(encodeURIComponent).join('/')
  return `${prefix}/jobs/${id}/artifacts/${path}?attempt=${attempt}`
}
