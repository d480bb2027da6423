/**
 * What stands on disk about a driven attempt: one JSON document, replaced as a whole (written beside it, then renamed),
 * so a crash leaves the one before or the one after. Never a secret.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { End } from '../supervisor/end.ts'
import { unlinkIfThere } from '../supervisor/state-file.ts'
import type { DrivenKind } from './driver.ts'

export interface DrivenState {
  version: 1
  key: string
  kind: DrivenKind
  note: unknown
  boot_id: string
  started_at: number
  /** `monotonicMs` of that boot. */
  keep_until: number
  timeout_ms: number
  /** The end of its wall time, as soon as it runs; `monotonicMs` of that boot. */
  due_at?: number
  stop_grace_ms: number
  output_bytes?: number
  unenforced: string[]
  /** It has secrets, which only its order has: without that its output cannot be masked. */
  secret: boolean
  /** Of its driver; absent: nothing was begun. */
  handle?: unknown
  end?: End
}

const suffix = '.driven'
const fileOf = (dir: string, key: string): string => join(dir, `${key}${suffix}`)

/** Throws when the disk does not take it; what stood there before stands there still. */
export function writeState(dir: string, state: DrivenState): void {
  const path = fileOf(dir, state.key)
  try {
    writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  } catch (error) {
    unlinkIfThere(`${path}.new`)
    throw error
  }
}

export const removeState = (dir: string, key: string): void => unlinkIfThere(fileOf(dir, key))

export function readStates(dir: string): DrivenState[] {
  return readdirSync(dir).flatMap((name) => {
    if (!name.endsWith(suffix)) return []
    try {
      const state = JSON.parse(readFileSync(join(dir, name), 'utf8')) as DrivenState
      return state.version === 1 ? [state] : []
    } catch {
      // Not one of ours.
      return []
    }
  })
}
