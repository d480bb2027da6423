/**
 * What all jobs of this program share: a launcher process of its own and a private directory, made by the first job.
 * Nothing here ends them: the launcher sees the program's connection close, however it ended, kills what still runs and
 * removes the directory.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLauncher, createSandboxExecutor, type Executor } from '../executors/index.ts'
import { AppError } from '../lib/app-error.ts'
import { passableMode } from '../lib/private-dir.ts'

export interface Session {
  executor: Executor
  /** The lowest free slot, until `free` is called with it. */
  takeSlot(): number
  free(slot: number): void
  /** Until the answer is called, this process does not end by itself: somebody waits for a job. */
  hold(): () => void
}

/** As root each running job has a uid of its own; apart from those of runners on this host, and mostly of other programs. */
const uids = { first: 1_000_000, count: 1024, programs: 1024 }
/** A socket's path holds 107 bytes; what is below the directory needs 30. */
const longestDir = 70

let session: Promise<Session> | null = null

export function openSession(): Promise<Session> {
  session ??= open()
  session.catch(() => (session = null))
  return session
}

async function open(): Promise<Session> {
  const dir = mkdtempSync(join(tmpdir().length > longestDir ? '/tmp' : tmpdir(), 'runyard-job-'))
  // As root, jobs are other users and have to reach their pipes in it.
  chmodSync(dir, passableMode())
  const socketPath = join(dir, 'launcher.sock')
  const launcher = await connectLauncher({ socketPath, spawnIfMissing: true, endsWithUs: true }).catch((error) => {
    rmSync(dir, { recursive: true, force: true })
    throw error
  })
  const executor = createSandboxExecutor({
    attemptsDir: join(dir, 'attempts'),
    uidBase: uids.first + uids.count * (process.pid % uids.programs),
    uidCount: uids.count,
    // The program that calls is its own administrator: what it may reach is for the kernel to say.
    allowIsolationNone: true,
    allowNetworkHost: true,
    allowedWorkdirs: ['/'],
    allowedReadOnlyBinds: ['/'],
    allowedReadWriteBinds: ['/'],
    warm: { most: 0 },
    // Whether an attempt keeps this process alive is decided here, by who waits.
    launcher: { ...launcher, expectEvents: () => {} },
  })
  const slots = new Set<number>()
  let held = 0
  return {
    executor,
    takeSlot() {
      let slot = 0
      while (slots.has(slot)) slot++
      if (slot >= uids.count) {
        throw new AppError(
          'resource_exhausted',
          `${uids.count} jobs of this program run already: wait for one, or stop one`,
        )
      }
      slots.add(slot)
      return slot
    },
    free: (slot) => void slots.delete(slot),
    hold() {
      if (held++ === 0) launcher.expectEvents(true)
      let done = false
      return () => {
        if (done) return
        done = true
        if (--held === 0) launcher.expectEvents(false)
      }
    },
  }
}
