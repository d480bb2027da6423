/** Jobs of the executor `slurm`: handed to the cluster that this machine's `sbatch` speaks to. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driven, Driver, DriversConfig, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type AttemptOrder } from '../executor.ts'
import { leavesFiles } from '../sandbox/pickup.ts'
import { checkWorkingDir } from '../sandbox/policy.ts'
import { mostReportBytes } from '../supervisor/picking-up.ts'
import { createFacts } from './cluster-facts.ts'
import { mustRun, refusalIn, runCommand, type SlurmUser } from './commands.ts'
import { SlurmJob, type SlurmHandle } from './job.ts'
import { createJobStates } from './job-states.ts'
import { jobUser, type JobUser } from './job-user.ts'
import { makePlace, placeAt, removePlace, tagDir, writeLease } from './place.ts'
import { nameFor, planFor, submitArgs } from './submission.ts'

const hearsWithinMs = 2_000

export function createSlurmDriver(config: DriversConfig): Driver {
  const settings = config.slurm
  if (settings === undefined) {
    throw new StartRefused(
      'refused',
      'this runner takes no jobs for Slurm (its administrator can set RUNYARD_SLURM=true)',
    )
  }
  const asking: SlurmUser = { conf: settings.conf }
  const facts = createFacts(asking)
  const states = createJobStates(asking)
  let problem: string | undefined
  const noted = <T>(work: Promise<T>): Promise<T> => {
    work.then(
      () => (problem = undefined),
      (error: Error) => (problem = error.message),
    )
    return work
  }
  noted(facts.get()).catch(() => {})
  const dirOf = (tag: string): string => tagDir(settings.dir, tag)
  const acting = ({ uid, gid }: JobUser): SlurmUser => ({
    ...asking,
    ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
  })
  const job = (key: string, handle: SlurmHandle & { id: string }, tools: DriveTools): SlurmJob =>
    new SlurmJob({ key, handle, user: asking, states, facts: () => facts.get(), tools })

  return {
    kind: 'slurm',

    async start(order, tools): Promise<Driven> {
      const user = await jobUser(settings.user)
      const plan = planFor(order, await noted(facts.get()), settings.partitions)
      const cwd = await workingDir(order, config, user)
      const place = placeAt(join(dirOf(config.tag), order.key))
      const name = nameFor(config.tag, order.key)
      const handle: SlurmHandle = {
        ...{ version: 1, dir: place.dir, name, unenforced: plan.unenforced, program: order.spec.command[0] ?? '' },
        secret: Object.keys(order.secretEnv).length > 0,
        ...(leavesFiles(order.spec) ? { leaves: mostReportBytes(order) } : {}),
      }
      tools.save(handle)
      const { openFiles } = plan
      await makePlace({ place, order, user, cwd, mark: `${config.tag}.${order.key}`, openFiles })
      let id
      try {
        await writeLease(place, 1, 0, '-')
        tools.signal.throwIfAborted()
        id = await submit(acting(user), submitArgs(plan, name, place))
        tools.save({ ...handle, id })
      } catch (error) {
        // Should Slurm have it all the same: without its directory it ends before its command begins.
        await removePlace(place)
        await cancelByName(asking, name, id)
        throw error
      }
      return job(order.key, { ...handle, id }, tools).begin()
    },

    async attach({ key, handle: found, startedAt, order }, tools): Promise<Driven> {
      const handle = found as SlurmHandle
      const id = handle.id ?? (await idByName(asking, handle.name))
      const lost = async (why: string): Promise<never> => {
        await cancelByName(asking, handle.name, id)
        await removePlace(placeAt(handle.dir))
        throw new AttemptLost(why)
      }
      if (id === undefined) return lost('it was not handed to Slurm before its driver process was killed')
      if (handle.secret && order === undefined) {
        return lost('its runner and driver process were killed, and with them the secrets that its output is masked by')
      }
      try {
        return await job(key, { ...handle, id }, tools).begin(handle.begun ? startedAt : undefined)
      } catch (error) {
        if (error instanceof StartRefused || error instanceof AttemptLost) throw error
        return lost(`its directory cannot be read: ${(error as Error).message}`)
      }
    },

    async sweep(known, { tag }) {
      // Before anything takes time: what is begun meanwhile is not known.
      const dirs = await readdir(dirOf(tag)).catch(() => [])
      const old = dirs.filter((key) => !known.has(key))
      const strange = async (): Promise<string[]> => {
        const queued = await mustRun(asking, 'squeue', ['--noheader', '--format=%i|%j|%T'])
        const prefix = nameFor(tag, '')
        return queued.split('\n').flatMap((line) => {
          const [id = '', name = '', state] = line.trim().split('|')
          const isStray = name.startsWith(prefix) && !known.has(name.slice(prefix.length))
          return isStray && state !== 'COMPLETING' ? [id] : []
        })
      }
      const first = await strange()
      // Slurm hears of an end later than its wrapper has told us: what has just ended is no stray.
      if (first.length > 0) await sleep(hearsWithinMs)
      const strays = first.length > 0 ? (await strange()).filter((id) => first.includes(id)) : []
      for (const id of strays) await runCommand(asking, 'scancel', ['--full', '--signal=KILL', id])
      if (strays.length > 0) await runCommand(asking, 'scancel', strays)
      for (const key of old) await removePlace(placeAt(join(dirOf(tag), key)))
      return Math.max(strays.length, old.length)
    },

    state() {
      const { version, partitions } = facts.last() ?? {}
      return { version: version ?? null, partitions: partitions ?? [], ...(problem !== undefined && { problem }) }
    },
    async cool() {},
    async close() {},
  }
}

async function workingDir(order: AttemptOrder, { policy }: DriversConfig, user: JobUser): Promise<string | undefined> {
  const { working_dir: path } = order.spec
  if (path === undefined) return undefined
  const { real, uid } = await checkWorkingDir(path, order.spec, policy)
  if (user.uid === undefined || user.uid === uid) return real
  const why = `working_dir ${path} belongs to uid ${uid}, and jobs of Slurm run as ${user.name} (RUNYARD_SLURM_USER)`
  throw new StartRefused('refused', why)
}

async function submit(user: SlurmUser, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(user, 'sbatch', args)
  // `id;cluster` in a federation
  const id = /^(\d+)/.exec(stdout.trim())?.[1]
  if (code === 0 && id !== undefined) return id
  throw refusalIn('sbatch', stderr)
}

async function idByName(user: SlurmUser, name: string): Promise<string | undefined> {
  const args = ['--noheader', '--states=all', '--format=%i', `--name=${name}`]
  return (await mustRun(user, 'squeue', args)).trim().split('\n').find(Boolean)
}

async function cancelByName(user: SlurmUser, name: string, id: string | undefined): Promise<void> {
  await runCommand(user, 'scancel', id === undefined ? [`--name=${name}`] : [`--name=${name}`, id]).catch(() => {})
}
