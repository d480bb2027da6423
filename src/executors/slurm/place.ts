/**
 * The directory of one attempt, which runner and nodes share. It belongs to the runner, and so do the names in it: a job
 * can write into its files and replace none of them, so what is read here is what was made here (attack row S7).
 */
import { constants, type Stats } from 'node:fs'
import { chmod, chown, lstat, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import { encodeFrame } from '../launcher/frames.ts'
import { defaultEnv } from '../sandbox/isolation.ts'
import { pickupWords } from '../sandbox/pickup.ts'
import { pickupOrder } from '../supervisor/picking-up.ts'
import { rewritten } from './helper-files.ts'
import { batchScript, wrapper } from './wrapper.ts'
import type { JobUser } from './job-user.ts'

export interface Place {
  dir: string
  file(name: 'out' | 'err' | 'status' | 'beat' | 'files' | 'lease' | 'engine' | 'job.sh'): string
}

export const tagDir = (dir: string, tag: string): string => join(dir, tag)
export const placeAt = (dir: string): Place => ({ dir, file: (name) => join(dir, name) })

/** Of the job; the wrapper appends to them. */
const written = ['out', 'err', 'status', 'beat', 'files', 'engine'] as const

export interface Prepared {
  place: Place
  order: AttemptOrder
  user: JobUser
  cwd: string | undefined
  mark: string
  openFiles: number | undefined
}

export async function makePlace({ place, order, user, cwd, mark, openFiles }: Prepared): Promise<void> {
  const box = join(place.dir, 'box')
  const home = join(box, 'home')
  try {
    await mkdir(join(place.dir, '..'), { recursive: true })
    // Passed through by the job's user, and never listed.
    if (user.other) await chmod(join(place.dir, '..'), 0o711)
    await mkdir(place.dir, { mode: 0o700 })
    await chmod(place.dir, user.other ? 0o711 : 0o700)
    for (const dir of [box, home]) await mkdir(dir, { mode: 0o700 })
    for (const name of written)
      await writeFile(place.file(name), name === 'beat' ? ' '.repeat(63) : '', { mode: 0o600 })
    await writeFile(place.file('job.sh'), batchScript(openFiles), { mode: 0o644 })
    await writeFile(join(place.dir, 'run.pl'), wrapper, { mode: 0o644 })
    const { env, command } = await rewritten(order, box)
    const output = order.spec.outputs ? join(home, '.runyard', 'output') : null
    const all = {
      ...defaultEnv,
      ...{ HOME: home, USER: user.name, LOGNAME: user.name, PWD: cwd ?? home },
      ...env,
      ...order.secretEnv,
      ...(output === null ? {} : { RUNYARD_OUTPUT: output }),
    }
    const words = pickupWords(pickupOrder({ ...order, spec: { ...order.spec, command } }, all))
    await writeFile(join(box, 'order'), encodeFrame([mark, cwd ?? home, ...words]), { mode: 0o400, flag: 'wx' })
    if (user.other) await give([box, ...written.map((name) => place.file(name))], user)
  } catch (error) {
    await removePlace(place)
    if (error instanceof StartRefused) throw error
    const why = `cannot make the directory of the job under RUNYARD_SLURM_DIR: ${(error as Error).message}`
    throw new StartRefused('infrastructure', why)
  }
}

async function give(paths: string[], user: JobUser): Promise<void> {
  for (const path of paths) {
    await chown(path, user.uid!, user.gid!)
    if (!(await lstat(path)).isDirectory()) continue
    await give(
      (await readdir(path)).map((name) => join(path, name)),
      user,
    )
  }
}

export const removePlace = ({ dir }: Place): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 3 })

/** What the wrapper is to do, for so many ms; in its place, of one length, so that a reader sees the old or the new. */
export async function writeLease(place: Place, seq: number, ms: number, word: '-' | 'TERM' | 'KILL'): Promise<void> {
  const text = `${seq} ${Math.max(0, Math.floor(ms))} ${word}`
  const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants
  const file = await open(place.file('lease'), O_WRONLY | O_CREAT | O_NOFOLLOW, 0o644)
  try {
    await file.write(`${text.padEnd(62)} .`, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Opened anew each time: only so does a shared file system tell how long it is now. */
export async function readFrom(path: string, at: number, into: Buffer): Promise<{ bytes: Buffer; size: number }> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const found: Stats = await file.stat()
    if (!found.isFile()) throw new Error(`${path} is no file any more`)
    const { bytesRead } = await file.read(into, 0, into.length, at)
    return { bytes: into.subarray(0, bytesRead), size: found.size }
  } finally {
    await file.close()
  }
}
