import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { AppError } from '../../lib/app-error.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import type { HostAppAsk } from '../../operations/prunner.ts'
import type { WhileThere } from '../rest/contract-routes.ts'
import { jobQuery, logsQuery, scheduleBody, type PrunnerJob, type PrunnerPipeline } from './contract.ts'

export interface PrunnerOperations {
  pipelines(ask: HostAppAsk): Promise<PrunnerPipeline[]>
  jobs(ask: HostAppAsk): Promise<PrunnerJob[]>
  schedule(ask: HostAppAsk, body: z.output<typeof scheduleBody>): Promise<string>
  job(ask: HostAppAsk, uuid: string): Promise<PrunnerJob>
  logs(ask: HostAppAsk, uuid: string, task: string): Promise<{ stdout: string; stderr: string }>
  /** `ended`: it was over already. */
  cancel(ask: HostAppAsk, uuid: string): Promise<'cancelled' | 'ended'>
}

export function installPrunnerRoutes(
  app: FastifyInstance,
  { operations: on, whileThere }: { operations: PrunnerOperations; whileThere: WhileThere },
): void {
  type Work = (ask: HostAppAsk, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  const answer = (work: Work) => (request: FastifyRequest, reply: FastifyReply) =>
    whileThere(() => work(request.hostApp!, request, reply))

  app.get(
    '/pipelines',
    answer(async (ask) => ({ pipelines: await on.pipelines(ask) })),
  )
  app.get(
    '/pipelines/jobs',
    answer(async (ask) => ({ pipelines: await on.pipelines(ask), jobs: await on.jobs(ask) })),
  )
  app.post(
    '/pipelines/schedule',
    answer(async (ask, request, reply) => {
      const jobId = await on.schedule(ask, check(scheduleBody, request.body))
      return reply.code(202).send({ jobId })
    }),
  )
  app.get(
    '/job/detail',
    answer((ask, request) => on.job(ask, check(jobQuery, request.query).id)),
  )
  app.get(
    '/job/logs',
    answer((ask, request) => {
      const { id, task } = check(logsQuery, request.query)
      return on.logs(ask, id, task)
    }),
  )
  app.post(
    '/job/cancel',
    answer(async (ask, request, reply) => {
      const { id } = check(jobQuery, request.query)
      if ((await on.cancel(ask, id)) === 'cancelled') return reply.type('application/json').send('true')
      return reply.code(500).send({ error: 'the job has already ended' })
    }),
  )
}

function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  const fields = problemsOf(parsed.error.issues as ZodIssue[])
  throw new AppError('invalid_argument', `${fields[0]?.field}: ${fields[0]?.message}`, { fields })
}
