/** The operations bound to one server's dependencies: what every face of the product calls. */
import { noteRefused } from './audited.ts'
import type { Ask, Deps } from './deps.ts'
import type { JobSpec } from '../job/spec.ts'
import * as certificates from './certificates.ts'
import * as enrolment from './enrolment.ts'
import { getJob, jobStats, listAttempts, listJobs, showJobs, type ListInput } from './find-jobs.ts'
import type { JobChanges } from './job-changes.ts'
import { cancelJob, createSubmitTogether, deleteJob, rerunJob, submitJobs, type SubmitInput } from './jobs.ts'
import { followLog, openLog, type FollowInput, type OpenLogInput } from './logs.ts'
import * as people from './people.ts'
import { listQueues, putQueue, type PutQueueInput } from './queues.ts'
import { listRunners } from './runners.ts'
import { createReasonsTogether, submitJob } from './submit-one.ts'
import { waitForEnd } from './wait-for-end.ts'

export type Operations = ReturnType<typeof createOperations>

/** What a request would miss right now; empty when ready. */
export type NotReady = () => { field: string; message: string }[]

export function createOperations(deps: Deps, changes: JobChanges, notReady: NotReady) {
  const submits = createSubmitTogether(deps)
  const reasons = createReasonsTogether(deps.db)
  return {
    changes,
    submitJobs: (ask: Ask, input: SubmitInput) => submitJobs(deps, submits, ask, input),
    submitJob: (ask: Ask, spec: JobSpec, idempotencyKey?: string) =>
      submitJob(deps, { submits, reasons }, ask, spec, idempotencyKey),
    rerunJob: (ask: Ask, input: { id: string; idempotencyKey?: string }) => rerunJob(deps, submits, ask, input),
    cancelJob: (ask: Ask, input: { id: string; reason?: string; force?: boolean }) => cancelJob(deps, ask, input),
    deleteJob: (ask: Ask, id: string) => deleteJob(deps, ask, id),
    getJob: (ask: Ask, id: string) => getJob(deps, ask, id),
    showJobs: (ask: Ask, ids: string[]) => showJobs(deps, ask, ids),
    /** Null when the signal came before the job's end. */
    waitForEnd: (ask: Ask, id: string, signal: AbortSignal) => waitForEnd(deps, changes, ask, id, signal),
    listJobs: (ask: Ask, input: ListInput) => listJobs(deps, ask, input),
    listAttempts: (ask: Ask, id: string) => listAttempts(deps, ask, id),
    jobStats: (ask: Ask, owner?: string) => jobStats(deps, ask, owner),
    openLog: (ask: Ask, input: OpenLogInput) => openLog(deps, ask, input),
    followLog: (ask: Ask, input: FollowInput, signal: AbortSignal) => followLog(deps, changes, ask, input, signal),
    listQueues: (ask: Ask) => listQueues(deps, ask),
    putQueue: (ask: Ask, input: PutQueueInput) => putQueue(deps, ask, input),
    listRunners: (ask: Ask) => listRunners(deps, ask),
    whoAmI: (ask: Ask) => people.whoAmI(ask),
    signIn: (ask: Ask, input: people.SignInInput) => people.signIn(deps, ask, input),
    createUser: (ask: Ask, input: people.CreateUserInput) => people.createUserBy(deps, ask, input),
    listUsers: (ask: Ask) => people.listUsersFor(deps, ask),
    getUser: (ask: Ask, username: string) => people.getUser(deps, ask, username),
    setPassword: (ask: Ask, input: people.SetPasswordInput) => people.setPassword(deps, ask, input),
    createToken: (ask: Ask, input: people.CreateTokenInput) => people.createToken(deps, ask, input),
    listTokens: (ask: Ask) => people.listTokens(deps, ask),
    revokeToken: (ask: Ask, id: string) => people.revokeToken(deps, ask, id),
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
