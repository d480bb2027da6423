/** A run from its start to the judgement, whatever happens in between: the parts that all cases share. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, type Violation } from './checker.ts'
import { terminal } from './checker/promises.ts'
import { clientOf, type Client } from './client.ts'
import { crashesOf, leftoversOf, logsOf, rowsOf, witnessesIn, type Evidence } from './evidence.ts'
import type { Fault } from './faults.ts'
import { historyIn, type History } from './history.ts'
import { removeCgroups } from './host.ts'
import type { Operation } from './load.ts'
import { makeStand, type Stand, type StandOptions } from './stand.ts'
import { watch, type Watcher } from './watcher.ts'

export interface Trial {
  stand: Stand
  history: History
  watcher: Watcher
  /** The case tells the checker what it did to whom. */
  faults: Fault[]
  client(): Client
  /** Nobody asks any more. */
  silence(): void
}

export interface TrialResult {
  violations: Violation[]
  evidence: Evidence
}

/** `act` starts what it needs, submits and hurts; when it returns, every job is waited for, and everything is judged. */
export async function trial(
  options: StandOptions & { patienceMs?: number },
  act: (trial: Trial) => Promise<Operation[]>,
): Promise<TrialResult> {
  const stand = await makeStand(options)
  const over = new AbortController()
  const history = historyIn(join(stand.dir, 'history.jsonl'))
  const watcher = watch(stand, history)
  try {
    const faults: Fault[] = []
    let operations: Operation[]
    try {
      operations = await act({
        stand,
        history,
        watcher,
        faults,
        client: () => clientOf({ url: stand.url, token: stand.token(), history, signal: over.signal }),
        silence: () => over.abort(),
      })
      await allEnded(stand, options.patienceMs ?? 240_000)
    } finally {
      over.abort()
      await watcher.stop()
    }
    await stand.serverReady()
    const rows = await rowsOf(stand)
    const logs = await logsOf(stand, rows)
    const stopped = await stand.stop()
    const evidence: Evidence = {
      operations,
      history: history.entries,
      faults,
      keepForMs: keepForMs(options.settings),
      ...rows,
      witnesses: witnessesIn(stand.witness.dir),
      logs,
      crashes: crashesOf([stand.server, stand.runner]),
      stopped,
      leftovers: await leftoversOf(stand, watcher.cgroups),
    }
    return { violations: check(evidence), evidence }
  } finally {
    await stand.remove()
    removeCgroups(watcher.cgroups)
  }
}

/** What an attempt lives on without contact: five sixths of lease and grace. */
function keepForMs(settings: Record<string, string> = {}): number {
  const seconds = (name: string): number => Number(settings[name] ?? 30)
  return ((seconds('RUNYARD_LEASE_SECONDS') + seconds('RUNYARD_GRACE_SECONDS')) * 5000) / 6
}

/** Waits for the end of every job; what has not ended by then is the checker's to report. */
async function allEnded(stand: Stand, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs
  const states = [...terminal]
  while (performance.now() < end) {
    const open = await stand
      .sql('select 1 from jobs where state <> all($1) limit 1', [states])
      .catch(() => ['unanswered'])
    if (open.length === 0) return
    await sleep(200)
  }
}

export function printViolations(violations: Violation[]): void {
  for (const { kind, message, evidence } of violations) {
    console.log(`VIOLATION ${kind}: ${message}`)
    for (const line of evidence) console.log(`    ${line}`)
  }
}
