/** Keeps the definitions in force as the files are: looks when the system says that something changed, and all the same. */
import { existsSync, watch, type FSWatcher } from 'node:fs'
import { basename } from 'node:path'
import { emitFact } from '../lib/facts.ts'
import { startService } from '../lib/service.ts'
import { filesOfRoots, loadFiles, type FilesOfRoots, type Loaded, type LoadParts } from './load-files.ts'

/** A directory that is new is not watched; prunner looks as often. */
const lookEveryMs = 30_000
/** What is being written is left alone until it is the same twice. */
const settledMs = 200
/** Of the time; a walk through a large project takes a second. */
const mostOfTheTime = 1 / 20
/** Watches of one user are counted by the system. */
const mostWatches = 1000

export interface FileWatch {
  /** Looks now; resolves when what is there is in force. */
  reload(): Promise<void>
  stop(): Promise<void>
}

/** Resolves when all files were loaded once. A look that fails is repeated; the definitions in force stay. */
export async function watchFiles(
  parts: LoadParts,
  { onError, lookMs = lookEveryMs }: { onError: (name: string, error: unknown) => void; lookMs?: number },
): Promise<FileWatch> {
  const watched = new Map<string, FSWatcher>()
  let inForce: string | undefined
  let seen: string | undefined
  let wake = (_withinMs: number): void => {}

  const find = async (): Promise<FilesOfRoots> => {
    const found = await filesOfRoots(parts.roots)
    keepWatching(watched, found.directories, () => wake(settledMs))
    return found
  }
  const load = async (found: FilesOfRoots): Promise<void> => {
    const loaded = await loadFiles(parts, found)
    inForce = stampOf(found)
    tell(loaded)
  }
  const look = async (): Promise<number | void> => {
    const began = performance.now()
    const found = await find()
    const stamp = stampOf(found)
    const settled = stamp === seen
    seen = stamp
    if (stamp !== inForce) {
      if (!settled) return settledMs
      await load(found)
    }
    const took = performance.now() - began
    return took / mostOfTheTime > lookMs ? took / mostOfTheTime : undefined
  }

  await find()
    .then(load)
    .catch((error: unknown) => onError('pipelines.load', error))
  const service = startService({ name: 'pipelines.load', every: lookMs, runOnce: look }, onError)
  wake = (withinMs) => service.wake(withinMs)
  return {
    reload: async () => load(await find()),
    async stop() {
      for (const watcher of watched.values()) watcher.close()
      await service.stop()
    },
  }
}

const stampOf = ({ files, away }: FilesOfRoots): string =>
  JSON.stringify([files.map(({ path, stamp }) => [path, stamp]), [...away]])

/** A hint only: what cannot be watched is looked at in its turn. A directory whose file went is where it may come back. */
function keepWatching(watched: Map<string, FSWatcher>, directories: readonly string[], changed: () => void): void {
  const known = [...watched.keys()].filter((path) => existsSync(path))
  const wanted = new Set([...directories, ...known].slice(0, mostWatches))
  for (const [path, watcher] of watched) {
    if (wanted.has(path)) continue
    watcher.close()
    watched.delete(path)
  }
  for (const path of wanted) {
    if (watched.has(path)) continue
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        // So it is told when it is itself removed; the one that comes in its place is watched anew.
        if (name === basename(path)) {
          watcher.close()
          watched.delete(path)
        } else if (name !== null && !name.startsWith('pipelines.')) return
        changed()
      })
      watcher.on('error', () => watcher.close())
      watched.set(path, watcher)
      // What changed between the look and now was not told.
      changed()
    } catch {
      return
    }
  }
}

function tell({ pipelines, changed, gone, problems }: Loaded): void {
  const errors = problems.filter(({ severity }) => severity === 'error')
  emitFact({ name: 'pipelines.loaded', pipelines, changed: changed.length, gone: gone.length, errors: errors.length })
  for (const { file, line, column, path, message } of errors.slice(0, 20)) {
    emitFact({ name: 'pipelines.wrong', level: 'warn', at: `${file}:${line}:${column}`, path, why: message })
  }
}
