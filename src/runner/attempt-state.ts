/**
 * What stands on disk about an attempt (`attempts/<key>/attempt.json`), written before it starts, so that a later runner
 * process can go on with it. Never a secret: the values of env and secret_env come again with the re-delivered lease.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { Outcome } from '../job/outcome.ts'
import type { Limits, StoredSpec } from '../job/spec.ts'
import type { AttemptRef } from './control-plane.ts'

export interface AttemptState {
  version: 1
  ref: AttemptRef
  job_id: string
  spec: StoredSpec
  limits: Limits
  named: (keyof Limits)[]
  timeout_ms: number
  slot: number
  /** The names alone: whether there is anything that must be masked. */
  secret_env_names: string[]
  phase: 'prepared' | 'started' | 'ended' | 'handing_back'
  /** ISO 8601 */
  started_at?: string
  /**
   * The end of its time, `monotonicMs` of that boot: it must hold over a restart of the runner and over a clock that is
   * set. Never the date.
   */
  times_out?: { boot_id: string; monotonic_ms: number }
  /** With phase `ended`: what is still to be reported. */
  outcome?: Outcome
}

const stateShape = z.looseObject({
  version: z.literal(1),
  ref: z.strictObject({ jobKey: z.string(), number: z.int(), token: z.string() }),
  job_id: z.string(),
  spec: z.looseObject({ command: z.array(z.string()) }),
  limits: z.looseObject({}),
  named: z.array(z.string()),
  timeout_ms: z.number(),
  slot: z.int().min(0),
  secret_env_names: z.array(z.string()),
  phase: z.enum(['prepared', 'started', 'ended', 'handing_back']),
})

/** Paths of one attempt. `exec` belongs to the executor, the rest to the runner. */
export interface AttemptPlace {
  dir: string
  state: string
  spool: string
  exec: string
}

export function placeOf(attemptsDir: string, key: string): AttemptPlace {
  const dir = join(attemptsDir, key)
  return { dir, state: join(dir, 'attempt.json'), spool: join(dir, 'output.log'), exec: join(dir, 'exec') }
}

export async function makePlace(place: AttemptPlace): Promise<void> {
  await mkdir(place.exec, { recursive: true, mode: 0o700 })
}

/** Renamed into place, so that a reader finds the old text or the new one. Without fsync: it must survive this process,
 * and a power cut ends the job as well. */
export async function saveState(place: AttemptPlace, state: AttemptState): Promise<void> {
  const fresh = `${place.state}.new`
  await writeFile(fresh, JSON.stringify(state), { mode: 0o600 })
  await rename(fresh, place.state)
}

export const removePlace = (place: AttemptPlace): Promise<void> => rm(place.dir, { recursive: true, force: true })

export interface LeftBehind {
  place: AttemptPlace
  /** Null when the file says nothing usable: the attempt was never started. */
  state: AttemptState | null
}

/** What an earlier runner process left. */
export async function readLeftBehind(attemptsDir: string): Promise<LeftBehind[]> {
  await mkdir(attemptsDir, { recursive: true, mode: 0o700 })
  const keys = await readdir(attemptsDir)
  return Promise.all(
    keys.map(async (key) => {
      const place = placeOf(attemptsDir, key)
      return { place, state: await readState(place.state) }
    }),
  )
}

async function readState(path: string): Promise<AttemptState | null> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
    return stateShape.safeParse(parsed).success ? (parsed as AttemptState) : null
  } catch {
    return null
  }
}
