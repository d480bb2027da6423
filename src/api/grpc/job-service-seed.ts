/** The service of seed 002, its four calls as they were written down: names, numbers, words. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { isAppError } from '../../lib/app-error.ts'
import { callWordOf } from '../../job/status-word.ts'
import type { Operations } from '../../operations/index.ts'
import type {
  JobOutputResponseSchema,
  JobQueryRequest,
  JobService,
  JobStartRequest,
  JobStopRequest,
  JobSubscriptionRequest,
} from './gen/job_service_pb.js'
import { askOf, inWordsOf } from './job-calls.ts'
import { chunksOf } from './job-output.ts'
import { argumentName, checkedSpec } from './job-spec.ts'

type Output = MessageInitShape<typeof JobOutputResponseSchema>

export function seedJobService(on: Operations) {
  return {
    async start(request: JobStartRequest, context: HandlerContext) {
      const ask = askOf(request, context)
      const { job } = await inWordsOf(argumentName, async () =>
        on.submitJob(ask, checkedSpec({ command: [request.command, ...request.args] })),
      )
      return { jobId: job.id }
    },

    /** Answers when the stop is durable; the process tree gets its grace after that. */
    async stop(request: JobStopRequest, context: HandlerContext) {
      const ask = askOf(request, context)
      try {
        const { requested } = await on.cancelJob(ask, { id: request.jobId })
        return { status: 'stopped', message: requested ? 'the job is being stopped' : 'the job will not start' }
      } catch (error) {
        if (!isAppError(error)) throw error
        if (error.code === 'not_found') return { status: 'not found', message: error.message }
        if (error.code !== 'conflict') throw error
        const { state } = await on.getJob(ask, request.jobId)
        if (state === 'cancelled') return { status: 'stopped', message: 'the job was stopped before' }
        return { status: 'error', message: `the job has ended already: ${callWordOf(state)}` }
      }
    },

    async queryStatus(request: JobQueryRequest, context: HandlerContext) {
      const job = await on.getJob(askOf(request, context), request.jobId)
      return { jobId: job.id, status: callWordOf(job.state) }
    },

    /** The newest attempt from its first byte, and those after it, until the job ends. */
    async *subscribeOutput(request: JobSubscriptionRequest, context: HandlerContext): AsyncGenerator<Output> {
      const input = { jobId: request.jobId, stream: 'all', offset: 0, onward: false } as const
      for await (const event of on.followLog(askOf(request, context), input, context.signal)) {
        if (event.type === 'end') return
        for (const { stream, bytes } of chunksOf(event.pieces)) {
          if (stream !== 'mark') yield { [stream]: bytes }
        }
      }
      throw context.signal.reason
    },
  } satisfies ServiceImpl<typeof JobService>
}
