/**
 * What stands on disk about an attempt: a file of its own in the attempts directory, a JSON document per line. First what
 * another launcher needs to find it (before it starts), then its process, then its end. Never a secret.
 *
 * The files are used again and again: an empty one is nobody's. Making and removing one for each attempt costs up to
 * 0.6 ms on ext4, which looks at every inode deleted in the last seconds before it takes one.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { End } from './end.ts'

export interface Prepared {
  version: 1
  key: string
  note: unknown
  boot_id: string
  started_at: number
  cgroups: string[]
  unenforced: string[]
  /** Isolation "none": every process of the attempt has this in its environment. */
  marker?: string
  /** Isolation "none": the private directory it runs in. */
  home?: string
}
export interface Launched {
  pid: number
  start_time: string
}
export interface Found {
  path: string
  prepared: Prepared
  launched?: Launched
  end?: End
}

const suffix = '.attempt'
export const recordFileOf = (dir: string, key: string): string => join(dir, `${key}.log`)
/** What was picked up of its report files. */
export const reportFileOf = (dir: string, key: string): string => join(dir, `${key}.report`)

/** `rmSync` looks three times before it does this. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

export interface StateFile {
  /** The reason why it could not be written. */
  launched(process: Launched): Error | undefined
  /** The last line. */
  ended(end: End): void
  /** The attempt has been reported: the file is free. */
  free(): void
}

export interface StateFiles {
  take(prepared: Prepared): StateFile
  /** Names of those in use or kept for use. */
  names(): ReadonlySet<string>
  /** Removes those that are free. */
  close(): void
}

interface OpenFile {
  name: string
  fd: number
}

/** More than these are not kept: a burst of ended attempts is no reason for as many open files. */
const mostFree = 64

export function createStateFiles(dir: string): StateFiles {
  const free: OpenFile[] = []
  const names = new Set<string>()
  let counter = 0

  const make = (): OpenFile => {
    for (;;) {
      const name = `${counter++}${suffix}`
      try {
        const fd = openSync(join(dir, name), 'wx', 0o600)
        names.add(name)
        return { name, fd }
      } catch (error) {
        // One of an earlier launcher.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
  }
  const drop = ({ name, fd }: OpenFile): void => {
    closeSync(fd)
    unlinkIfThere(join(dir, name))
    names.delete(name)
  }
  const giveBack = (file: OpenFile): void => {
    try {
      ftruncateSync(file.fd, 0)
      if (free.length < mostFree) free.push(file)
      else drop(file)
    } catch {
      drop(file)
    }
  }

  return {
    take(prepared) {
      const file = free.pop() ?? make()
      let length = 0
      const append = (document: unknown): void => {
        const line = Buffer.from(`${JSON.stringify(document)}\n`)
        let written = 0
        // A disk that is almost full takes a part. The next line goes over that: half a line is no line.
        while (written < line.length) {
          written += writeSync(file.fd, line, written, line.length - written, length + written)
        }
        length += line.length
      }
      const tryAppend = (document: unknown): Error | undefined => {
        try {
          append(document)
          return undefined
        } catch (error) {
          return error as Error
        }
      }
      let freed = false
      const release = (): void => {
        if (!freed) giveBack(file)
        freed = true
      }
      try {
        append(prepared)
      } catch (error) {
        release()
        throw error
      }
      return {
        launched: tryAppend,
        // Without this line a later launcher calls the attempt lost.
        ended: (end) => void tryAppend({ end }),
        free: release,
      }
    },
    names: () => names,
    close() {
      for (const file of free.splice(0)) drop(file)
    },
  }
}

/** What earlier launchers left. A line that was cut in half by a crash is no line. */
export function readStateFiles(dir: string): Found[] {
  const found: Found[] = []
  for (const name of readdirSync(dir)) {
    if (!name.endsWith(suffix)) continue
    const path = join(dir, name)
    const [prepared, ...more] = linesOf(path) as [Prepared?, ...(Partial<Launched> & { end?: End })[]]
    if (prepared?.version !== 1) continue
    const launched = more.find((line) => line.pid !== undefined) as Launched | undefined
    found.push({ path, prepared, launched, end: more.find((line) => line.end)?.end })
  }
  return found
}

/** Files of earlier launchers that are nobody's: they were free, or the attempt never began. */
export function removeFreeFiles(dir: string): void {
  const used = new Set(readStateFiles(dir).map(({ path }) => path))
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (name.endsWith(suffix) && !used.has(path)) unlinkIfThere(path)
  }
}

function linesOf(path: string): unknown[] {
  const lines: unknown[] = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    try {
      if (line !== '') lines.push(JSON.parse(line))
    } catch {
      // Whatever comes behind it was written by a later launcher, on a line of its own.
    }
  }
  return lines
}
