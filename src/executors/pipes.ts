/**
 * Named pipes for the output of jobs. Making one costs a process (Node has no mkfifo), so they are made many at a time
 * and renamed when an attempt takes its two. Mode 0622: a job of another uid may reopen `/dev/stdout` for writing; who
 * may reach them at all is decided by the directory (0700).
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const batch = 128

export interface Pipes {
  stdout: string
  stderr: string
}

export interface PipePool {
  take(key: string): Promise<Pipes>
  /** Removes an attempt's pipes; nothing happens when they are gone. */
  drop(key: string): Promise<void>
  /** Removes the pipes of every attempt that is not in `keep`, and unused ones of an earlier process. */
  sweep(keep: Set<string>): Promise<void>
  /** Removes the unused ones, and the directory when nothing else is in it. */
  close(): Promise<void>
}

const pathsOf = (dir: string, key: string): Pipes => ({
  stdout: join(dir, `${key}.stdout`),
  stderr: join(dir, `${key}.stderr`),
})

export function createPipePool(dir: string): PipePool {
  const free: string[] = []
  let filling: Promise<void> | null = null

  const fill = async (): Promise<void> => {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const made = Array.from({ length: batch }, () => join(dir, `free.${randomBytes(8).toString('hex')}`))
    await run('mkfifo', ['-m', '0622', '--', ...made])
    free.push(...made)
  }

  const one = async (target: string): Promise<void> => {
    for (;;) {
      const path = free.pop()
      if (path) return rename(path, target)
      filling ??= fill().finally(() => (filling = null))
      await filling
    }
  }

  return {
    async take(key) {
      const pipes = pathsOf(dir, key)
      await Promise.all([one(pipes.stdout), one(pipes.stderr)])
      return pipes
    },
    async drop(key) {
      const pipes = pathsOf(dir, key)
      await Promise.all([rm(pipes.stdout, { force: true }), rm(pipes.stderr, { force: true })])
    },
    async sweep(keep) {
      const inUse = new Set(free)
      for (const name of await readdir(dir).catch(() => [])) {
        const key = name.replace(/\.(stdout|stderr)$/, '')
        if (!keep.has(key) && !inUse.has(join(dir, name))) await rm(join(dir, name), { force: true })
      }
    },
    async close() {
      await Promise.all(free.splice(0).map((path) => rm(path, { force: true })))
      await rmdir(dir).catch(() => {})
    },
  }
}

/** Holds both pipes open so that what is written before the runner reads is not lost. */
export async function holdPipes(pipes: Pipes): Promise<{ stderr: FileHandle; close(): Promise<void> }> {
  const mode = constants.O_RDWR | constants.O_NONBLOCK
  const stdout = await open(pipes.stdout, mode)
  const stderr = await open(pipes.stderr, mode)
  return {
    stderr,
    async close() {
      await Promise.all([stdout.close(), stderr.close()])
    },
  }
}

/** What is in the pipe now, without waiting for more. At most a pipe's own capacity. */
export async function readWaiting(pipe: FileHandle): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (;;) {
    try {
      const { bytesRead, buffer } = await pipe.read(Buffer.alloc(65_536))
      if (bytesRead === 0) break
      pieces.push(buffer.subarray(0, bytesRead))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') break
      throw error
    }
  }
  return Buffer.concat(pieces)
}
