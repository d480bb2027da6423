/** What an earlier driver process left on disk: what has ended already, and what may still run elsewhere. */
import { open } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { scan } from '../../logs/scan.ts'
import { recordFileOf, unlinkIfThere } from '../supervisor/state-file.ts'
import type { DrivenParts } from './attempt.ts'
import { readStates, type DrivenState } from './state.ts'

export interface FoundState {
  state: DrivenState
  recorded: NonNullable<DrivenParts['recorded']>
}

export async function recover(dir: string): Promise<FoundState[]> {
  const states = readStates(dir)
  const keys = new Set(states.map(({ key }) => key))
  for (const name of readdirSync(dir)) {
    if (!keys.has(name.replace(/\.[a-z.]+$/, ''))) unlinkIfThere(join(dir, name))
  }
  return Promise.all(states.map(async (state) => ({ state, recorded: await recordedOf(recordFileOf(dir, state.key)) })))
}

/** After a crash the file may end in half a record, which is cut off. */
async function recordedOf(path: string): Promise<FoundState['recorded']> {
  const file = await open(path, 'a+', 0o600)
  try {
    const { length, stdoutBytes: stdout, stderrBytes: stderr } = await scan(file)
    await file.truncate(length)
    return { length, stdout, stderr }
  } finally {
    await file.close()
  }
}
