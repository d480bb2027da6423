/** kill -9 of server, runner, launcher and PostgreSQL at random moments while a mixed load runs. */
import type { Evidence } from '../evidence.ts'
import { writeEvidence } from '../evidence-file.ts'
import { injectFaults, planFaults, type Fault } from '../faults.ts'
import { loadOf } from '../load.ts'
import { randomOf } from '../random.ts'
import { shortLeases, victims, type Stand } from '../stand.ts'
import { printViolations, trial, type TrialResult } from '../trial.ts'
import type { Watcher } from '../watcher.ts'

export interface KillsOptions {
  seed: string
  jobs: number
  kills: number
  /** Mean time between two kills. */
  gapMs: number
  /** The checkout under test. */
  root?: string
  settings?: Record<string, string>
  /** After the last kill: every job must have ended. */
  patienceMs?: number
  keep?: boolean
  say?: (line: string) => void
}

export async function kills(options: KillsOptions): Promise<TrialResult> {
  const { seed, say = () => {}, patienceMs = 240_000 } = options
  const random = randomOf(seed)
  let progress: NodeJS.Timeout | undefined
  const running = trial({ ...options, patienceMs }, async ({ stand, watcher, faults, client, silence }) => {
    stand.server.start()
    await stand.serverReady()
    stand.runner.start()
    await stand.runnerReady()
    say(`seed ${seed}, in ${stand.dir}`)
    const plan = planFaults(random.fork('faults'), options.kills, options.gapMs)
    const operations = loadOf(random.fork('load'), {
      jobs: options.jobs,
      overMs: options.kills * options.gapMs,
      oom: await holdsMemory(stand),
      witness: stand.witness.command,
      binds: stand.witness.binds,
    })
    progress = setInterval(() => say(progressLine(watcher, faults, options)), 10_000)
    const submitted = client().run(operations)
    await injectFaults(stand, plan, faults, say)
    const giveUp = setTimeout(silence, patienceMs)
    await submitted
    clearTimeout(giveUp)
    return operations
  })
  return running.finally(() => clearInterval(progress))
}

async function holdsMemory(stand: Stand): Promise<boolean> {
  const [runner] = await stand.sql<{ held: boolean }>(
    `select facilities->'limits'->'memory_bytes'->'held' = 'true' as held from runners where name = 'first'`,
  )
  return runner?.held === true
}

function progressLine(watcher: Watcher, faults: Fault[], { jobs, kills: count }: KillsOptions): string {
  const states = Object.entries(watcher.counts()).map(([state, n]) => `${n} ${state}`)
  return `… ${faults.length}/${count} kills, of ${jobs} jobs: ${states.toSorted().join(', ')}`
}

function summaryOf(evidence: Evidence): string[] {
  const { jobs, attempts, faults, logs, operations } = evidence
  const counts = (list: string[]): string =>
    [...Map.groupBy(list, (each) => each)]
      .map(([name, all]) => `${all.length} ${name}`)
      .toSorted()
      .join(', ')
  const open = evidence.history.filter((entry) => entry.op === 'submit' && entry.answer === 'indeterminate').length
  return [
    `kills: ${victims.map((v) => `${faults.filter((f) => f.victim === v).length} ${v}`).join(', ')}`,
    `${operations.length} submits (${open} answers left open on the way), kinds: ${counts(operations.map((o) => o.kind))}`,
    `${jobs.length} jobs: ${counts(jobs.map((job) => job.state))}`,
    `${attempts.length} attempts: ${counts(attempts.map((attempt) => attempt.state))}`,
    `${logs.reduce((sum, log) => sum + log.length, 0)} bytes of log compared`,
  ]
}

export const usage = '--jobs N (2000) --kills N (200) --gap MS (2500) --slots N (8) --leases short --root DIR --keep'

/** From the command line; answers the exit code. */
export async function run(options: Record<string, string>): Promise<number> {
  const seed = options['seed'] ?? String(Date.now() % 1_000_000)
  const begun = performance.now()
  const result = await kills({
    seed,
    jobs: Number(options['jobs'] ?? 2000),
    kills: Number(options['kills'] ?? 200),
    gapMs: Number(options['gap'] ?? 2500),
    root: options['root'],
    keep: options['keep'] !== undefined,
    settings: {
      RUNYARD_RUNNER_SLOTS: options['slots'] ?? '8',
      ...(options['leases'] === 'short' ? shortLeases : {}),
    },
    say: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  })
  for (const line of summaryOf(result.evidence)) console.log(line)
  printViolations(result.violations)
  if (options['evidence']) writeEvidence(options['evidence'], `kills-${seed}`, result.evidence)
  const seconds = ((performance.now() - begun) / 1000).toFixed(0)
  console.log(`seed ${seed}: ${result.violations.length} violations in ${seconds} s`)
  return result.violations.length === 0 ? 0 : 1
}
