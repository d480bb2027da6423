/** Disks that fill up and are emptied again: small mounts, so this needs root. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { adminRole, databasePassword } from '../../src/db/embedded/cluster.ts'
import { ended, logOf, until } from '../system.ts'
import { allEnded, healthyAgain, runningJobs, type Say } from './database.ts'
import { ask, assertRefused, submitAllTheTime } from './probes.ts'
import { withRig, type Rig, type RigOptions } from './rig.ts'
import { assertUnharmed } from './witness.ts'

const run = promisify(execFile)
const MiB = 2 ** 20

/** Why these scenarios cannot run here; undefined when they can. */
export async function mountMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount a small disk'
  const dir = `/tmp/runyard-mount-${process.pid}`
  await mkdir(dir, { recursive: true })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir])
    await run('umount', [dir])
    return undefined
  } catch {
    return 'this host allows no mounts'
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A disk of its own for a part of the data directory, or for all of it (''). */
function onSmallDisk(part: string, megabytes: number): Pick<RigOptions, 'prepare' | 'cleanUp'> {
  return {
    async prepare(dataDir) {
      const dir = join(dataDir, part)
      await mkdir(dir, { recursive: true, mode: 0o711 })
      await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', dir])
    },
    cleanUp: async (dataDir) => void (await run('umount', ['-l', join(dataDir, part)])),
  }
}

/** Takes all the space that is left but a few bytes. */
async function fill(dir: string): Promise<{ free(): Promise<void> }> {
  const path = join(dir, 'ballast')
  const file = await open(path, 'w')
  try {
    const block = Buffer.alloc(MiB)
    for (let size: number = MiB; size >= 4096;) {
      try {
        await file.write(block, 0, size)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size /= 4
      }
    }
  } finally {
    await file.close()
  }
  return { free: () => rm(path) }
}

const roomIn = async (dir: string): Promise<number> => {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

/** A claim that waits is ended within this time when a disk has become full. */
const letGoMs = 2500

async function assertStaysQueued(rig: Rig, id: string, ms: number): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(200)) {
    assert.equal((await rig.system.api.calls.jobs.get({ id })).state, 'queued', 'leased although the disk is full')
  }
}

/** How long after the space came back this job had ended. */
async function endsAfterwards(rig: Rig, ids: string[]): Promise<number> {
  const begun = performance.now()
  for (const id of ids) await ended(rig.system, id, 30_000)
  return Math.round(performance.now() - begun)
}

/** One job writes more than the runner's disk takes; another only happens to run there. */
export async function spoolFull(say: Say = () => {}): Promise<void> {
  const small = onSmallDisk('runner', 96)
  await withRig({ ...small, ownPostgres: {} }, async (rig) => {
    const [quiet] = await runningJobs(rig, 1, 8)
    const written = 110 * MiB
    const loud = await rig.submit({
      command: ['sh', '-c', `head -c ${written} /dev/zero; echo over >&2; sleep 7`],
      limits: { output_bytes: 1024 * MiB },
    })
    const spoolDir = join(rig.system.dataDir, 'runner')
    await until('a full disk', async () => (await roomIn(spoolDir)) < MiB, 60_000)
    await sleep(letGoMs)
    const late = await rig.submit({ command: ['true'] })
    await assertStaysQueued(rig, late, 1500)
    const job = await ended(rig.system, loud)
    const cut = job.result!.truncated_bytes
    assert.equal(job.state, 'succeeded')
    assert(cut > 0 && /log is cut off/.test(job.result!.message ?? ''), JSON.stringify(job.result))
    assert.equal((await logOf(rig.system, loud)).length + cut, written + 'over\n'.length)
    say(
      `${cut} of ${written} bytes cut off, and said so; a new job began ${await endsAfterwards(rig, [late])} ms later`,
    )
    // The other one may have been cut as well; then it says so.
    const other = await ended(rig.system, quiet!)
    assert.equal(other.state, 'succeeded')
    if (other.result!.truncated_bytes === 0) await assertUnharmed(rig.system, rig.witness, quiet!)
    else assert.match(other.result!.message ?? '', /log is cut off/)
  })
}

/** The server cannot store logs: jobs run on, their output and their end wait on the runner's disk. */
export async function logStoreFull(say: Say = () => {}): Promise<void> {
  const small = onSmallDisk('logs', 96)
  await withRig({ ...small, ownPostgres: {} }, async (rig) => {
    const jobs = await runningJobs(rig, 2, 4)
    const ballast = await fill(join(rig.system.dataDir, 'logs'))
    await sleep(letGoMs)
    const late = await rig.submit({ command: ['echo', 'late'] })
    await until('the end of the processes', async () => (await rig.witness.lives(jobs[0]!))[0]!.beats === 40)
    await assertStaysQueued(rig, late, 4000)
    for (const id of jobs) assert.equal((await rig.system.api.calls.jobs.get({ id })).state, 'running')
    await ballast.free()
    say(`all ended ${await endsAfterwards(rig, [...jobs, late])} ms after the space came back`)
    for (const id of jobs) await assertUnharmed(rig.system, rig.witness, id)
  })
}

/** Everything is on one disk, the embedded database's journal too. */
export async function databaseVolumeFull(say: Say = () => {}): Promise<void> {
  await withRig({ ...onSmallDisk('', 420) }, async (rig) => {
    const { dataDir } = rig.system
    const pids = [await rig.serverPid(), await rig.runnerPid(), rig.launcherPid()]
    const [job] = await runningJobs(rig, 1, 10)
    const submitter = submitAllTheTime(rig, 200)
    await sleep(500)
    const ballast = await fill(dataDir)
    await exhaustJournal(dataDir)
    const refused = await until('a refused submit', async () => {
      const answer = await ask(rig, 'POST', '/jobs', { command: ['true'], name: 'refused' })
      return answer.status === 503 && answer
    })
    assertRefused([refused])
    assert.equal((await ask(rig, 'GET', '/health')).status, 200)
    await sleep(3000)
    await ballast.free()
    say(`healthy ${await healthyAgain(rig, 30_000)} ms after the space came back`)
    say(`${await submitter.settle()} keyed submits, each exactly one job`)
    assert.deepEqual([await rig.serverPid(), await rig.runnerPid(), rig.launcherPid()], pids)
    const { state, result } = await ended(rig.system, job!)
    assert.equal(state, 'succeeded')
    if (result!.truncated_bytes === 0) await assertUnharmed(rig.system, rig.witness, job!)
    else say(`the running job's log was cut, and said so: ${result!.message}`)
    await allEnded(rig)
  })
}

/** Writes journal until PostgreSQL gives up. */
async function exhaustJournal(dataDir: string): Promise<void> {
  const password = encodeURIComponent(await databasePassword(dataDir))
  const host = encodeURIComponent(join(dataDir, 'run', 'pg'))
  const client = new pg.Client({ connectionString: `postgresql://${adminRole}:${password}@/postgres?host=${host}` })
  client.on('error', () => {})
  try {
    await client.connect()
    for (let i = 0; i < 600; i++) {
      await client.query(`select pg_logical_emit_message(false, 'x', repeat('x', 1000000))`)
    }
  } catch {
    return
  } finally {
    await client.end().catch(() => {})
  }
  throw new Error('the journal has no end')
}
