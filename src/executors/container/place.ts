/**
 * The directory of one container on this host. Beside `see`, which appears read-only at `/.runyard`, and `helpers`,
 * which appears read-only at `/runyard`, a file says which attempt has it: a container that waited cannot get another
 * label when its job comes.
 */
import { execFile } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { StartRefused } from '../executor.ts'

export interface Place {
  dir: string
  see: string
  helpers: string
  /** Its named pipe for files. */
  files: string
}

const run = promisify(execFile)

/** In the temp directory, where the runner's shown directories are: files are linked from there. */
export const placesOf = (tag: string): string => join(realpathSync(tmpdir()), `runyard-containers-${tag}`)

/** Anybody may make directories there; one with our name that is not ours is never used. */
function ownRoot(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o711 })
  const { uid, mode } = lstatSync(root)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0 || (mode & 0o170000) !== 0o040000) {
    throw new Error(`${root} is not a directory of this user alone`)
  }
}

export function placeAt(dir: string): Place {
  return { dir, see: join(dir, 'see'), helpers: join(dir, 'helpers'), files: join(dir, 'see', 'files') }
}

export async function makePlace(root: string, name: string): Promise<Place> {
  const place = placeAt(join(root, name))
  try {
    ownRoot(root)
    mkdirSync(place.dir, { mode: 0o711 })
    mkdirSync(place.see, { mode: 0o755 })
    mkdirSync(join(place.helpers, 'lib'), { recursive: true, mode: 0o755 })
    await run('mkfifo', ['-m', '0666', '--', place.files])
    return place
  } catch (error) {
    removePlace(place.dir)
    throw new StartRefused('infrastructure', `no place for a container: ${(error as Error).message}`)
  }
}

export const removePlace = (dir: string): void => rmSync(dir, { recursive: true, force: true })

export function removeIfEmpty(root: string): void {
  try {
    rmdirSync(root)
  } catch {
    // Containers of attempts that go on, or it was never made.
  }
}

const keyFile = (dir: string): string => join(dir, 'key')

export const claim = ({ dir }: Place, key: string): void => writeFileSync(keyFile(dir), key, { mode: 0o600 })

/** Of the attempt that has it; null: of none. */
export function claimOf(dir: string): string | null {
  try {
    return readFileSync(keyFile(dir), 'utf8')
  } catch {
    return null
  }
}

/** Whole seconds of /proc/uptime until which the container may run. */
export function setLease({ see }: Place, keepForMs: number): void {
  const now = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])
  const path = join(see, 'lease')
  try {
    writeFileSync(`${path}.new`, `${Math.ceil(now + keepForMs / 1000)}\n`, { mode: 0o644 })
    renameSync(`${path}.new`, path)
  } catch {
    // A full disk, or a place that is going: the lease that stands there ends it.
  }
}

/**
 * What the runner put into `from` appears at `helpers`, as the same files: a container that waited has that directory
 * already, and a directory cannot be exchanged under a mount. A socket that the next runner makes anew follows.
 */
export function showHelpers(from: string, { helpers }: Place): () => void {
  const show = (): void => {
    for (const name of readdirSync(from)) linkAnew(join(from, name), join(helpers, name))
  }
  show()
  const watching = watch(from, () => {
    try {
      show()
    } catch {
      // It is going, or half-made: another event comes.
    }
  })
  watching.on('error', () => {})
  watching.unref()
  return () => watching.close()
}

function linkAnew(from: string, to: string): void {
  const found = lstatSync(from)
  if (found.isDirectory()) return
  // `node_modules`: it points into the library, which is there only inside.
  if (found.isSymbolicLink()) {
    if (lstatSync(to, { throwIfNoEntry: false }) === undefined) symlinkSync(readlinkSync(from), to)
    return
  }
  const there = statSync(to, { throwIfNoEntry: false })
  if (there !== undefined && there.ino === found.ino && there.dev === found.dev) return
  rmSync(`${to}.new`, { force: true })
  linkSync(from, `${to}.new`)
  renameSync(`${to}.new`, to)
}
