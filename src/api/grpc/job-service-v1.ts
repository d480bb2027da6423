/** `runyard.v1.JobService`: everything that the seed's service leaves out. */
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { AppError, isAppError } from '../../lib/app-error.ts'
import type { Ask } from '../../operations/deps.ts'
import type { Operations } from '../../operations/index.ts'
import type { ShownJob } from '../../operations/show-job.ts'
import type {
  GetRequest,
  JobService,
  ListAttemptsRequest,
  ListRequest,
  StartRequest,
  StopRequest,
  SubscribeOutputRequest,
  WaitRequest,
  WhoAmIRequest,
} from './gen/runyard/v1/job_service_pb.js'
import { askOf, inWordsOf, jobIdOf, wrongField } from './job-calls.ts'
import { outputOf } from './job-follow.ts'
import { listFieldName, listInput } from './job-list.ts'
import { jobMessage } from './job-messages.ts'
import { checkedSpec, fieldsOfStart, startFieldName } from './job-spec.ts'
import { peerOf } from './peer.ts'

const longestReason = 500

export function jobServiceV1(on: Operations, version: string) {
  const ended = async (ask: Ask, id: string, signal: AbortSignal): Promise<ShownJob> => {
    const job = await on.waitForEnd(ask, id, signal)
    if (job === null) throw signal.reason
    return job
  }

  return {
    async start(request: StartRequest, context: HandlerContext) {
      const ask = askOf(request, context)
      const { job, replayed } = await inWordsOf(startFieldName(request), async () =>
        on.submitJob(ask, checkedSpec(fieldsOfStart(request)), request.idempotencyKey || undefined),
      )
      if (replayed) context.responseHeader.set('idempotency-replayed', 'true')
      return { job: jobMessage(job) }
    },

    async stop(request: StopRequest, context: HandlerContext) {
      const ask = askOf(request, context)
      const id = jobIdOf(request.jobId)
      const reason = request.reason.trim() || undefined
      if ((reason?.length ?? 0) > longestReason) {
        throw wrongField('reason', `must have at most ${longestReason} characters`)
      }
      await on.cancelJob(ask, { id, reason, force: request.force }).catch((error: unknown) => {
        if (!isAppError(error) || error.code !== 'conflict') throw error
        throw new AppError('failed_precondition', error.message, { cause: error })
      })
      return { job: jobMessage(request.wait ? await ended(ask, id, context.signal) : await on.getJob(ask, id)) }
    },

    async get(request: GetRequest, context: HandlerContext) {
      return { job: jobMessage(await on.getJob(askOf(request, context), jobIdOf(request.jobId))) }
    },

    async list(request: ListRequest, context: HandlerContext) {
      const ask = askOf(request, context)
      const { jobs, next_cursor } = await inWordsOf(listFieldName, async () => on.listJobs(ask, listInput(request)))
      return { jobs: jobs.map(jobMessage), nextPageToken: next_cursor ?? '' }
    },

    async wait(request: WaitRequest, context: HandlerContext) {
      return { job: jobMessage(await ended(askOf(request, context), jobIdOf(request.jobId), context.signal)) }
    },

    async listAttempts(request: ListAttemptsRequest, context: HandlerContext) {
      const attempts = await on.listAttempts(askOf(request, context), jobIdOf(request.jobId))
      return { json: JSON.stringify({ attempts }) }
    },

    async *subscribeOutput(request: SubscribeOutputRequest, context: HandlerContext) {
      yield* outputOf(on, askOf(request, context), request, context.signal)
    },

    async whoAmI(request: WhoAmIRequest, context: HandlerContext) {
      const { username, role } = on.whoAmI(askOf(request, context))
      const { certificateId, notAfter } = peerOf(context)
      return {
        ...{ username, role, certificateId: certificateId ?? '', serverVersion: version },
        notAfter: notAfter === null ? undefined : timestampFromDate(notAfter),
      }
    },
  } satisfies ServiceImpl<typeof JobService>
}
