/** What the engine asks of those above it: jobs under this server's policy, the output of jobs, messages about ends. */
import { systemPrincipal } from '../access/permissions.ts'
import { findUserById } from '../access/users.ts'
import { signalPipelinesEnded } from '../events/signals.ts'
import { projectLabel } from '../job/project.ts'
import { jobSpecSchema, nameOf, type JobSpec } from '../job/spec.ts'
import { AppError } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { Queryable } from '../db/pool.ts'
import type { PipelineHooks, TaskJob } from '../pipelines/run.ts'
import type { NewJob } from '../queue/types.ts'
import { notePipelineRunsEnded } from '../reactions/outbox.ts'
import type { Ask, Deps } from './deps.ts'
import { openLog, type OpenLogInput } from './logs.ts'
import { newJob } from './new-job.ts'
import { checkVariables } from './pipeline-variables.ts'
import { projectEnv } from './project-env.ts'
import { checkPlaces } from './submit-places.ts'
import { policyProblems } from './submit-policy.ts'

export const pipelineHooks = (deps: Deps): PipelineHooks => ({
  newJob: (task) => newTaskJob(deps, task),
  placeJobs: (tx, ownerId, jobs) => placeTaskJobs(tx, deps, ownerId, jobs),
  async runsEnded(tx, runs) {
    await notePipelineRunsEnded(tx, runs)
    await signalPipelinesEnded(tx, runs)
  },
  checkVariables,
  async readOutput(jobId, bytes) {
    const [stdout, stderr] = await Promise.all([
      endOfOutput(deps, { jobId, stream: 'stdout' }, bytes),
      endOfOutput(deps, { jobId, stream: 'stderr' }, bytes),
    ])
    return { stdout, stderr }
  },
})

async function endOfOutput(deps: Deps, from: OpenLogInput, most: number): Promise<string> {
  const log = await openLog(deps, { principal: systemPrincipal }, from)
  const pieces: Buffer[] = []
  for await (const piece of log.bytes(Math.max(0, log.size - most), log.size)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** Nobody asks: a task's turn comes by itself. */
const nobody: Ask = { principal: null }

function newTaskJob(deps: Deps, task: TaskJob): NewJob {
  const { root } = task
  const files = root === null ? {} : projectEnv(root, deps.config.pipelinesEnvFiles)
  const spec = specOf(task, files)
  const problems = policyProblems(
    spec,
    root === null
      ? deps.config
      : { ...deps.config, allowedWorkdirs: [...deps.config.allowedWorkdirs, root], allowNetworkHost: true },
  )
  if (problems.length > 0) throw refused(problems)
  const job = newJob(spec, deps, nobody)
  if (root !== null && spec.executor === 'sandbox') job.spec.profile = 'project'
  return job
}

async function placeTaskJobs(
  tx: Queryable,
  { config }: Deps,
  ownerId: string,
  jobs: readonly NewJob[],
): Promise<(string | null)[]> {
  const { role } = (await findUserById(tx, ownerId)) ?? { role: 'viewer' as const }
  const specs = jobs.map(({ spec }) => spec)
  const places = (await checkPlaces(tx, { role, config }, specs)) ?? []
  return jobs.map(({ spec }, i) => {
    const place = places[i]
    if (place?.hosts) spec.hosts = place.hosts
    return place && place.problems.length > 0 ? refused(place.problems).message : null
  })
}

const refused = (problems: readonly { field: string; message: string }[]): AppError =>
  new AppError('invalid_argument', problems.map(({ field, message }) => `${field}: ${message}`).join('; '))

/** As if somebody had submitted it, but for the names that only we may give. */
function specOf({ env, root, settings, ...task }: TaskJob, files: Record<string, string>): JobSpec {
  const own = Object.entries(env).filter(([name]) => name.startsWith('RUNYARD_'))
  const parsed = jobSpecSchema.safeParse({
    ...settings,
    name: nameOf(task),
    command: task.command,
    env: { ...files, ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('RUNYARD_'))) },
    // Its project is here; elsewhere a task has what its script brings there.
    ...(root !== null &&
      (settings.executor ?? 'sandbox') === 'sandbox' && {
        // The whole project is there, whatever directory its script begins in.
        working_dir: root,
        required_labels: { ...settings.required_labels, ...projectLabel(root) },
        network: settings.network ?? 'host',
      }),
    max_attempts: task.maxAttempts,
    ...(task.retry !== null && { retry: task.retry }),
    ...(task.timeoutSeconds !== null && { timeout_seconds: task.timeoutSeconds }),
    outputs: true,
    ...(task.artifacts.length > 0 && { artifacts: task.artifacts }),
    ...(Object.keys(task.artifactsFrom).length > 0 && { artifacts_from: task.artifactsFrom }),
  })
  if (!parsed.success) throw refused(problemsOf(parsed.error.issues as ZodIssue[]))
  return { ...parsed.data, env: { ...parsed.data.env, ...Object.fromEntries(own) } }
}
