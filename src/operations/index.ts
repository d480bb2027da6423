/** The operations bound to one server's dependencies: what every face of the product calls. */
import { noteRefused } from './audited.ts'
import type { Ask, Deps } from './deps.ts'
import type { JobSpec } from '../job/spec.ts'
import { cancelBatch, completeBatch, deleteBatch, type CancelBatchInput } from './batch-acts.ts'
import { previewBatch, type BatchRequest } from './batch-plan.ts'
import { actionOperations } from './action-operations.ts'
import { analyticsOperations } from './analytics-operations.ts'
import * as templates from './batch-templates.ts'
import { createBatch, rerunBatch } from './batches.ts'
import { listArtifacts, openArtifact } from './artifacts.ts'
import * as audit from './audit.ts'
import * as certificates from './certificates.ts'
import * as channels from './channels.ts'
import { listDeliveriesFor, redeliver, type DeliveriesInput } from './deliveries.ts'
import { eventOperations } from './event-operations.ts'
import { failureOperations } from './failure-operations.ts'
import { imageOperations } from './image-operations.ts'
import { hostOperations } from './host-operations.ts'
import * as enrolment from './enrolment.ts'
import { batchKey, getBatch, listBatches, maySeeBatchOf, showBatches, type ListBatchesInput } from './find-batches.ts'
import { getJob, glanceAtJob, jobStats, listAttempts, listJobs, showJobs, type ListInput } from './find-jobs.ts'
import { actOnJobs, type JobActionsInput } from './job-actions.ts'
import type { JobChanges } from './job-changes.ts'
import { cancelJob, createSubmitTogether, deleteJob, rerunJob, submitJobs, type SubmitInput } from './jobs.ts'
import { followLog, openLog, type FollowInput, type OpenLogInput } from './logs.ts'
import * as reset from './password-reset.ts'
import { readMetrics } from './metrics.ts'
import * as people from './people.ts'
import * as accounts from './people-changes.ts'
import { pipelineOperations } from './pipeline-operations.ts'
import { scheduleOperations } from './schedule-operations.ts'
import { listQueues, putQueue, type PutQueueInput } from './queues.ts'
import type { RunChanges } from './run-changes.ts'
import { suggestedLimits, type SuggestedLimitsInput } from './suggested-limits.ts'
import { listRunners } from './runners.ts'
import type { PutChannel } from '../reactions/channels.ts'
import { createReasonsTogether, submitJob } from './submit-one.ts'
import * as tokens from './tokens.ts'
import { variableOperations } from './variable-operations.ts'
import { jobThroughput } from './throughput.ts'
import { batchTests, testInsights, type BatchTestsInput, type InsightsInput } from './tests.ts'
import { waitForEnd } from './wait-for-end.ts'
import { webhookOperations } from './webhook-operations.ts'

export type Operations = ReturnType<typeof createOperations>

/** What a request would miss right now; empty when ready. */
export type NotReady = () => { field: string; message: string }[]

export function createOperations(deps: Deps, changes: JobChanges, runChanges: RunChanges, notReady: NotReady) {
  const submits = createSubmitTogether(deps)
  const reasons = createReasonsTogether(deps.db)
  return {
    changes,
    runChanges,
    submitJobs: (ask: Ask, input: SubmitInput) => submitJobs(deps, submits, ask, input),
    submitJob: (ask: Ask, spec: JobSpec, idempotencyKey?: string) =>
      submitJob(deps, { submits, reasons }, ask, spec, idempotencyKey),
    rerunJob: (ask: Ask, input: { id: string; idempotencyKey?: string }) => rerunJob(deps, submits, ask, input),
    cancelJob: (ask: Ask, input: { id: string; reason?: string; force?: boolean }) => cancelJob(deps, ask, input),
    deleteJob: (ask: Ask, id: string) => deleteJob(deps, ask, id),
    getJob: (ask: Ask, id: string) => getJob(deps, ask, id),
    glanceAtJob: (ask: Ask, id: string) => glanceAtJob(deps, ask, id),
    showJobs: (ask: Ask, ids: string[], runKey?: string) => showJobs(deps, ask, ids, runKey),
    actOnJobs: (ask: Ask, input: JobActionsInput) => actOnJobs(deps, submits, ask, input),
    /** Null when the signal came before the job's end. */
    waitForEnd: (ask: Ask, id: string, signal: AbortSignal) => waitForEnd(deps, changes, ask, id, signal),
    listJobs: (ask: Ask, input: ListInput) => listJobs(deps, ask, input),
    listAttempts: (ask: Ask, id: string) => listAttempts(deps, ask, id),
    jobStats: (ask: Ask, owner?: string) => jobStats(deps, ask, owner),
    jobThroughput: (ask: Ask, minutes: number) => jobThroughput(deps, ask, minutes),
    listArtifacts: (ask: Ask, input: { id: string; attempt?: number }) => listArtifacts(deps, ask, input),
    openArtifact: (ask: Ask, input: { id: string; name: string; attempt?: number }) => openArtifact(deps, ask, input),
    openLog: (ask: Ask, input: OpenLogInput) => openLog(deps, ask, input),
    followLog: (ask: Ask, input: FollowInput, signal: AbortSignal) => followLog(deps, changes, ask, input, signal),
    createBatch: (ask: Ask, input: BatchRequest, idempotencyKey?: string) =>
      createBatch(deps, ask, input, idempotencyKey),
    listBatches: (ask: Ask, input: ListBatchesInput) => listBatches(deps, ask, input),
    batchTests: (ask: Ask, input: BatchTestsInput) => batchTests(deps, ask, input),
    testInsights: (ask: Ask, input: InsightsInput) => testInsights(deps, ask, input),
    getBatch: (ask: Ask, id: string) => getBatch(deps, ask, id),
    batchKey: (ask: Ask, id: string) => batchKey(deps, ask, id),
    maySeeBatchOf,
    showBatches: (ask: Ask, keys: string[]) => showBatches(deps, ask, keys),
    cancelBatch: (ask: Ask, input: CancelBatchInput) => cancelBatch(deps, ask, input),
    completeBatch: (ask: Ask, input: { id: string; reason?: string }) => completeBatch(deps, ask, input),
    rerunBatch: (ask: Ask, input: { id: string; only: 'all' | 'failed'; idempotencyKey?: string }) =>
      rerunBatch(deps, ask, input),
    deleteBatch: (ask: Ask, id: string) => deleteBatch(deps, ask, id),
    previewBatch: (ask: Ask, input: BatchRequest & { limit?: number }) => previewBatch(deps, ask, input),
    putTemplate: (ask: Ask, input: templates.PutTemplateInput) => templates.putTemplate(deps, ask, input),
    listTemplates: (ask: Ask, input: { shared?: boolean }) => templates.listTemplates(deps, ask, input),
    getTemplate: (ask: Ask, key: templates.TemplateKey) => templates.getTemplate(deps, ask, key),
    deleteTemplate: (ask: Ask, key: templates.TemplateKey) => templates.deleteTemplate(deps, ask, key),
    ...pipelineOperations(deps),
    ...scheduleOperations(deps),
    ...webhookOperations(deps),
    ...eventOperations(deps),
    ...variableOperations(deps),
    ...hostOperations(deps),
    ...actionOperations(deps),
    ...failureOperations(deps),
    ...analyticsOperations(deps),
    suggestedLimits: (ask: Ask, input: SuggestedLimitsInput) => suggestedLimits(deps, ask, input),
    ...imageOperations(deps),
    listQueues: (ask: Ask) => listQueues(deps, ask),
    putQueue: (ask: Ask, input: PutQueueInput) => putQueue(deps, ask, input),
    listRunners: (ask: Ask) => listRunners(deps, ask),
    listChannels: (ask: Ask) => channels.listChannelsFor(deps, ask),
    getChannel: (ask: Ask, name: string) => channels.getChannel(deps, ask, name),
    putChannel: (ask: Ask, input: PutChannel) => channels.putChannelBy(deps, ask, input),
    deleteChannel: (ask: Ask, name: string) => channels.deleteChannelBy(deps, ask, name),
    testChannel: (ask: Ask, name: string) => channels.testChannel(deps, ask, name),
    listDeliveries: (ask: Ask, input: DeliveriesInput) => listDeliveriesFor(deps, ask, input),
    redeliver: (ask: Ask, id: string) => redeliver(deps, ask, id),
    readMetrics: (ask: Ask) => readMetrics(deps, ask),
    whoAmI: (ask: Ask) => people.whoAmI(ask),
    signIn: (ask: Ask, input: people.SignInInput) => people.signIn(deps, ask, input),
    createUser: (ask: Ask, input: people.CreateUserInput) => people.createUserBy(deps, ask, input),
    listUsers: (ask: Ask) => people.listUsersFor(deps, ask),
    getUser: (ask: Ask, username: string) => people.getUser(deps, ask, username),
    setPassword: (ask: Ask, input: people.SetPasswordInput) => people.setPassword(deps, ask, input),
    changeUser: (ask: Ask, input: accounts.ChangeUserInput) => accounts.changeUser(deps, ask, input),
    deleteUser: (ask: Ask, username: string) => accounts.deleteUserBy(deps, ask, username),
    createReset: (ask: Ask, username: string) => reset.createResetBy(deps, ask, username),
    useReset: (ask: Ask, input: reset.UseResetInput) => reset.useReset(deps, ask, input),
    signOutEverywhere: (ask: Ask) => accounts.signOutEverywhereBy(deps, ask),
    createToken: (ask: Ask, input: tokens.CreateTokenInput) => tokens.createToken(deps, ask, input),
    listTokens: (ask: Ask) => tokens.listTokens(deps, ask),
    revokeToken: (ask: Ask, id: string) => tokens.revokeToken(deps, ask, id),
    listAudit: (ask: Ask, input: audit.ListAuditInput) => audit.listAuditFor(deps, ask, input),
    exportAudit: (ask: Ask, input: audit.ExportAuditInput) => audit.exportAudit(deps, ask, input),
    verifyAudit: (ask: Ask, input: audit.VerifyAuditInput) => audit.verifyAuditFor(deps, ask, input),
    initAuthority: (ask: Ask, input: certificates.InitAuthorityInput) => certificates.initAuthorityBy(deps, ask, input),
    listAuthorities: (ask: Ask) => certificates.listAuthoritiesFor(deps, ask),
    issueCertificate: (ask: Ask, input: certificates.IssueInput) => certificates.issueCertificateBy(deps, ask, input),
    listCertificates: (ask: Ask, input: certificates.ListCertificatesInput) =>
      certificates.listCertificatesFor(deps, ask, input),
    revokeCertificate: (ask: Ask, input: { id: string; reason?: string }) =>
      certificates.revokeCertificateBy(deps, ask, input),
    createRunnerToken: (ask: Ask, input: enrolment.RunnerTokenInput) => enrolment.createRunnerToken(deps, ask, input),
    enrolRunner: (ask: Ask, input: { name: string; request: Uint8Array }) => enrolment.enrolRunner(deps, ask, input),
    renewRunner: (ask: Ask, input: { request: Uint8Array }) => enrolment.renewRunner(deps, ask, input),
    notReady,
    /** A request that would change something and was refused before it reached an operation. */
    async noteRefusal(ask: Ask, route: string, error: unknown): Promise<void> {
      if (ask.principal === null || /^(GET|HEAD|OPTIONS) /.test(route)) return
      await noteRefused(deps, ask, { action: route }, error)
    },
    /** What was accepted is durable when this resolves. */
    drain: () => submits.drain(),
  }
}
