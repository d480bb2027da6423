/** What prunner's clients ask for, on the operations that everybody else uses. */
import { may, scopeOf, type Person } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { runsWithTasks, type RunWithTasks } from '../pipelines/runs-with-tasks.ts'
import { notFound, type Ask, type Deps } from './deps.ts'
import { openLog } from './logs.ts'
import { cancelRun } from './pipeline-acts.ts'
import { startPipeline } from './pipeline-start.ts'
import { listPipelines } from './pipelines.ts'
import { showPrunnerJob, type PrunnerJobShown } from './show-prunner.ts'

export interface HostAppAsk extends Ask {
  principal: Person
  /** `sub` of its token. */
  label: string | null
}

/** prunner lists all jobs that it keeps; ours may be very many. Open ones are always among them. */
const listed = 500
/** Of each stream, from its beginning: prunner's clients have no ranges. */
const logBytes = 4 * 1024 * 1024

export function prunnerFace(deps: Deps) {
  return {
    async pipelines(ask: HostAppAsk) {
      const all: { pipeline: string; schedulable: boolean; running: boolean }[] = []
      for (let cursor: string | undefined, more = true; more;) {
        const page = await listPipelines(deps, ask, { cursor, limit: 500, gone: false })
        for (const one of page.pipelines) {
          all.push({ pipeline: one.name, schedulable: one.startable, running: one.running > 0 })
        }
        more = page.next_cursor !== null
        cursor = page.next_cursor ?? undefined
      }
      return all
    },
    async jobs(ask: HostAppAsk): Promise<PrunnerJobShown[]> {
      const scope = scopeOf(ask.principal, 'pipeline_run.read')
      if (scope === 'none') return []
      const ownerId = scope === 'own' ? ask.principal.userId : undefined
      return (await runsWithTasks(deps.db, { ownerId, limit: listed })).map(showPrunnerJob)
    },
    async schedule(
      ask: HostAppAsk,
      body: {
        pipeline: string
        variables?: Record<string, unknown> | null | undefined
        queuePartition?: string | null | undefined
      },
    ): Promise<string> {
      const { run } = await startPipeline(deps, ask, {
        name: body.pipeline,
        variables: body.variables ?? {},
        queuePartition: body.queuePartition || null,
        label: ask.label,
        trigger: 'manual',
      }).catch((error: unknown) => {
        // An unknown pipeline is a wrong request to prunner, not a path that is not there.
        if (!(error instanceof AppError) || error.code !== 'not_found') throw error
        throw new AppError('invalid_argument', `there is no pipeline named ${body.pipeline}`)
      })
      return run.uuid
    },
    job: async (ask: HostAppAsk, uuid: string): Promise<PrunnerJobShown> =>
      showPrunnerJob(await runOf(deps, ask, uuid)),
    async logs(ask: HostAppAsk, uuid: string, name: string): Promise<{ stdout: string; stderr: string }> {
      const run = await runOf(deps, ask, uuid)
      const task = run.tasks.find((one) => one.name === name)
      if (!task) throw notFound('task')
      if (task.jobId === null) return { stdout: '', stderr: '' }
      const jobId = task.jobId
      const [stdout, stderr] = await Promise.all(
        (['stdout', 'stderr'] as const).map((stream) => wholeText(deps, ask, jobId, stream)),
      )
      return { stdout: stdout!, stderr: stderr! }
    },
    async cancel(ask: HostAppAsk, uuid: string): Promise<'cancelled' | 'ended'> {
      const run = await runOf(deps, ask, uuid)
      if (run.result === 'cancelled') return 'cancelled'
      if (run.state === 'ended') return 'ended'
      await cancelRun(deps, ask, { id: run.publicId })
      return 'cancelled'
    },
  }
}

async function runOf(deps: Deps, ask: HostAppAsk, uuid: string): Promise<RunWithTasks> {
  const [run] = await runsWithTasks(deps.db, { uuid, limit: 1 })
  if (!run || !may(ask.principal, 'pipeline_run.read', { ownerId: run.ownerId })) throw notFound('job')
  return run
}

async function wholeText(deps: Deps, ask: Ask, jobId: string, stream: 'stdout' | 'stderr'): Promise<string> {
  const log = await openLog(deps, ask, { jobId, stream })
  const pieces: Buffer[] = []
  for await (const piece of log.bytes(0, Math.min(log.size, logBytes))) pieces.push(piece)
  const more = log.size - logBytes
  const text = Buffer.concat(pieces).toString()
  return more > 0 ? `${text}\n[${more} more bytes: GET /api/v1/jobs/${jobId}/logs]\n` : text
}
