/**
 * Jobs over gRPC with mutual TLS, in the shape of the REST client, so that a command is the same over both. What this
 * service does not have says so.
 */
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import type { JobSpecInput } from '../../job/spec.ts'
import { AppError } from '../../lib/app-error.ts'
import type { ApiCalls, ApiClient, CallContext } from '../client.ts'
import type { Attempt, Job } from '../contract/index.ts'
import { callError } from './client-errors.ts'
import { createClientSession, showServer, type ClientCredentials, type GrpcServer } from './client-session.ts'
import { JobService, type Job as WireJob } from './gen/runyard/v1/job_service_pb.js'
import { followOutput, notOverGrpc, readOutput } from './job-client-output.ts'

export interface CertificateOwner {
  username: string
  role: string
  notAfter: Date | null
}

export interface JobClient extends ApiClient {
  whoAmI(): Promise<CertificateOwner>
  close(): void
}

export { notOverGrpc }
export type { ClientCredentials, GrpcServer }

/** Of one short call. */
const timeoutMs = 30_000

export function createJobClient(server: GrpcServer, credentials: ClientCredentials): JobClient {
  const session = createClientSession(server, credentials)
  const transport = createGrpcTransport({
    baseUrl: session.authority,
    sessionManager: session,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    acceptCompression: [],
  })
  const client = createClient(JobService, transport)
  const name = showServer(server)
  const source = { client, server: name, hasBeenOpen: session.hasBeenOpen }
  return {
    calls: onlyThese({ jobs: onlyThese(jobCalls(client, name)) }) as unknown as ApiCalls,
    readLog: (request) => readOutput(source, request),
    followLog: (request, signal, onAway) => followOutput(source, request, signal, onAway),
    passwordGrant: () => Promise.reject(notOverGrpc()),
    readArtifact: () => Promise.reject(notOverGrpc()),
    exportAudit: () => Promise.reject(notOverGrpc()),
    async whoAmI() {
      const { username, role, notAfter } = await inWords(name, client.whoAmI({}, { timeoutMs }))
      return { username, role, notAfter: notAfter === undefined ? null : timestampDate(notAfter) }
    },
    close: () => session.close(),
  }
}

interface ListFilter {
  state?: string[]
  status?: string[]
  name?: string
  queue?: string
  owner?: string
  label?: string[]
  rerun_of?: string
  cursor?: string
  limit?: number
}

function jobCalls(client: Client<typeof JobService>, server: string) {
  const short = { timeoutMs }
  return {
    submit: async (spec: JobSpecInput, { context = {} }: { context?: CallContext } = {}): Promise<Job> => {
      const idempotencyKey = context.idempotencyKey ?? ''
      return jobOf(await inWords(server, client.start({ specJson: JSON.stringify(spec), idempotencyKey }, short)))
    },
    get: async ({ id }: { id: string }): Promise<Job> => jobOf(await inWords(server, client.get({ jobId: id }, short))),
    async cancel({ id, reason, force }: { id: string; reason?: string; force?: boolean }) {
      const { state, cancel_requested } = jobOf(
        await inWords(server, client.stop({ jobId: id, reason: reason ?? '', force: force ?? false }, short)),
      )
      return { id, state, cancel_requested }
    },
    async list({ state, status, label, limit, cursor, rerun_of, ...same }: ListFilter) {
      const wire = { states: state, statuses: status, labels: label, pageSize: limit, pageToken: cursor }
      const page = await inWords(server, client.list({ ...same, ...wire, rerunOf: rerun_of }, short))
      return { jobs: page.jobs.map((job) => jobOf({ job })), next_cursor: page.nextPageToken || null }
    },
    async attempts({ id }: { id: string }): Promise<{ attempts: Attempt[] }> {
      const { json } = await inWords(server, client.listAttempts({ jobId: id }, short))
      return JSON.parse(json) as { attempts: Attempt[] }
    },
  }
}

function jobOf({ job }: { job?: WireJob }): Job {
  if (job === undefined) throw new AppError('internal', 'the server answered without the job')
  return JSON.parse(job.json) as Job
}

async function inWords<T>(server: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw callError(error, server)
  }
}

/** Whatever else is called, however deep, is refused in words. */
const onlyThese = <T extends object>(there: T): T =>
  new Proxy(there, { get: (_, name) => (Object.hasOwn(there, name) ? there[name as keyof T] : refusing) })

const refusing: unknown = new Proxy(() => {}, {
  get: () => refusing,
  apply: () => Promise.reject(notOverGrpc()),
})
