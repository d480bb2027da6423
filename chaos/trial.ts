/** A run from its start to the judgement, whatever happens in between: the parts that all cases share. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditOf } from './audit.ts'
import { secretsSeen } from './canary.ts'
import { check, type Violation } from './checker.ts'
import { terminal } from './checker/promises.ts'
import { clientOf, type Client, type Made } from './client.ts'
import { crashesOf, leftoversOf, logsOf, rowsOf, witnessesIn, type Evidence, type Replay } from './evidence.ts'
import type { Fault } from './faults.ts'
import { historyIn, type History } from './history.ts'
import { commandOf, removeCgroups } from './host.ts'
import type { Operation } from './load.ts'
import { makeStand, type Grounds, type Stand, type StandOptions } from './stand.ts'
import { watch, type Watcher } from './watcher.ts'

export interface Trial<S extends Grounds = Stand> {
  stand: S
  history: History
  watcher: Watcher
  /** The case tells the checker what it did to whom. */
  faults: Fault[]
  /** And what became of messages with stale tokens, if it sent any. */
  replays: Replay[]
  /** The n-th of the users. */
  client(nr?: number): Client
  /** Nobody asks any more. */
  silence(): void
}

export interface TrialOptions {
  settings?: Record<string, string>
  /** After the last fault: every job must have ended. */
  patienceMs?: number
  say?: (line: string) => void
}

export interface TrialResult {
  violations: Violation[]
  evidence: Evidence
}

/** On a stand of its own. */
export const trial = async (
  options: StandOptions & TrialOptions,
  act: (trial: Trial) => Promise<Operation[]>,
): Promise<TrialResult> => trialOn(await makeStand(options), options, act)

/** `act` starts what it needs, submits and hurts; when it returns, every job is waited for, and everything is judged. */
export async function trialOn<S extends Grounds>(
  stand: S,
  options: TrialOptions,
  act: (trial: Trial<S>) => Promise<Operation[]>,
): Promise<TrialResult> {
  const { say = () => {} } = options
  const over = new AbortController()
  const history = historyIn(join(stand.dir, 'history.jsonl'))
  const watcher = watch(stand, history)
  try {
    const faults: Fault[] = []
    const replays: Replay[] = []
    const made: Made = new Map()
    let operations: Operation[]
    try {
      const client = (nr = 0): Client => clientOf({ ...stand.door(nr), history, made, signal: over.signal })
      operations = await act({ stand, history, watcher, faults, replays, client, silence: () => over.abort() })
      const healed = performance.now()
      await allEnded(stand, options.patienceMs ?? 240_000)
      say(`all ended ${((performance.now() - healed) / 1000).toFixed(1)} s after the last fault was healed`)
    } finally {
      over.abort()
      await watcher.stop()
    }
    await stand.serverReady()
    const alive = await jobsAlive(stand)
    const rows = await rowsOf(stand)
    const logs = await logsOf(stand, rows)
    const audit = await auditOf(stand)
    const secrets = await secretsSeen(stand)
    // Now that the users' last connections have been closed.
    const openFiles = watcher.openFiles()
    const stopped = await stand.stop()
    const evidence: Evidence = {
      operations,
      history: history.entries,
      faults,
      keepForMs: keepForMs(options.settings),
      ...rows,
      witnesses: witnessesIn(stand.witness.dir),
      logs,
      crashes: crashesOf(stand.processes()),
      stopped,
      leftovers: [...alive, ...(await leftoversOf(stand, watcher.cgroups))],
      caps: watcher.caps(),
      audit,
      secretsSeen: [
        ...secrets,
        ...logs.flatMap(({ id, secrets }) => secrets.map((form) => `${form} in the log of ${id}`)),
      ],
      replays,
      openFiles,
    }
    return { violations: check(evidence), evidence }
  } finally {
    await stand.remove()
    removeCgroups(watcher.cgroups)
  }
}

/** Processes of jobs that live although every job has ended, some seconds after. */
async function jobsAlive(stand: Grounds, patienceMs = 5000): Promise<string[]> {
  const end = performance.now() + patienceMs
  for (;;) {
    const alive = stand.jobs()
    if (alive.length === 0 || performance.now() > end) {
      return alive.map(({ pid }) => `process ${pid} of a job that has ended: ${commandOf(pid).slice(0, 200)}`)
    }
    await sleep(100)
  }
}

/** What an attempt lives on without contact: five sixths of lease and grace. */
function keepForMs(settings: Record<string, string> = {}): number {
  const seconds = (name: string): number => Number(settings[name] ?? 30)
  return ((seconds('RUNYARD_LEASE_SECONDS') + seconds('RUNYARD_GRACE_SECONDS')) * 5000) / 6
}

/** Waits for the end of every job; what has not ended by then is the checker's to report. */
async function allEnded(stand: Grounds, patienceMs: number): Promise<void> {
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
