/** A fleet under a mixed load while all that a profile names is done to it; then the judgement. */
import type { Evidence } from '../evidence.ts'
import { loadOf, type Operation, type Plan } from '../load.ts'
import { randomOf } from '../random.ts'
import { trialOn, type TrialResult } from '../trial.ts'
import { nothingOnItsWay } from './blow.ts'
import { planOf, strikeAll } from './faults.ts'
import { makeGhost } from './ghost.ts'
import type { Profile } from './profiles.ts'
import { ghostName, type Fleet } from './fleet.ts'
import { makeFleet } from './stand.ts'

export interface FleetRunOptions {
  seed: string
  profile: Profile
  root?: string
  keep?: boolean
  say?: (line: string) => void
}

const users = 3
const narrowQueue = 'narrow'

export async function runFleet({ seed, profile, root, keep, say = () => {} }: FleetRunOptions): Promise<TrialResult> {
  const random = randomOf(seed)
  const { settings, slots, patienceMs, sizes } = profile
  const fleet = await makeFleet({
    root,
    keep,
    settings,
    slots,
    disks: true,
    servers: sizes.servers,
    runners: sizes.runners,
  })
  let progress: NodeJS.Timeout | undefined
  const running = trialOn(
    fleet,
    { settings, patienceMs, say },
    async ({ watcher, faults, replays, client, silence }) => {
      await fleet.startServers()
      await makeNarrowQueue(fleet)
      const bait = baitFor(fleet)
      await client().run(bait)
      const ghost = await makeGhost(fleet, faults, bait.length)
      await fleet.startRunners()
      say(`seed ${seed}, in ${fleet.dir}`)
      const plan = planOf(random.fork('faults'), profile.faults, profile.kinds, profile.gapMs, sizes)
      const operations = loadOf(random.fork('load'), {
        jobs: profile.jobs,
        overMs: plan.reduce((sum, { gapMs, holdMs }) => sum + gapMs + holdMs / 2, 0),
        oom: await holdsMemory(fleet),
        ...{ witness: fleet.witness.command, binds: fleet.witness.binds, narrowQueue, viewer: true },
      })
      progress = setInterval(() => {
        const states = Object.entries(watcher.counts()).map(([state, n]) => `${n} ${state}`)
        say(
          `… ${Math.max(0, faults.length - 1)}/${plan.length} faults, of ${profile.jobs} jobs: ${states.toSorted().join(', ')}`,
        )
      }, 10_000)
      const submitted = Promise.all(shares(operations).map((share, nr) => client(nr).run(share)))
      const haunted = ghost.haunt(replays)
      haunted.catch(() => {}) // reported below
      await strikeAll(fleet, plan, faults, say)
      const giveUp = setTimeout(silence, patienceMs)
      await submitted
      clearTimeout(giveUp)
      const attempts = await haunted
      await nothingOnItsWay(fleet)
      say(
        `${replays.length} messages with stale tokens of ${attempts} attempts, ${replays.filter((r) => r.accepted).length} taken`,
      )
      return [...bait, ...operations]
    },
  )
  return running.finally(() => clearInterval(progress))
}

async function makeNarrowQueue(fleet: Fleet): Promise<void> {
  const response = await fleet.ask(fleet.servers[0]!, 'PUT', `/queues/${narrowQueue}`, { concurrency: 2 })
  if (!response.ok) throw new Error(`the narrow queue: ${response.status} ${await response.text()}`)
}

/** What the ghost takes: its second attempts are still at work when the ghost speaks of the first ones. */
const baitFor = ({ witness }: Fleet): Operation[] =>
  [3, 3, 1].map((attempts, nr) => ({
    tag: `bait-${nr}`,
    kind: 'bait',
    expected: { by: 'exit', code: 0 },
    atMs: 0,
    keyed: true,
    spec: {
      name: `bait-${nr}`,
      command: [...witness.command, JSON.stringify({ tag: `bait-${nr}`, ms: 6000, stdout: 1000 } satisfies Plan)],
      binds: witness.binds,
      max_attempts: attempts,
      retry: { backoff_seconds: 0.1, on: ['lost'] },
    },
  }))

/** Calls stay whole. */
function shares(operations: Operation[]): Operation[][] {
  const calls = [...Map.groupBy(operations, (operation) => operation.batch ?? operation.tag).values()]
  return Array.from({ length: users }, (_, nr) => calls.filter((_call, i) => i % users === nr).flat())
}

async function holdsMemory(fleet: Fleet): Promise<boolean> {
  const rows = await fleet.sql<{ held: boolean }>(
    `select facilities->'limits'->'memory_bytes'->'held' = 'true' as held from runners where name <> $1`,
    [ghostName],
  )
  return rows.every(({ held }) => held)
}

/** For people. */
export function summaryOf({
  jobs,
  attempts,
  faults,
  logs,
  operations,
  caps,
  audit,
  replays,
  history,
  dependencies,
  openFiles,
}: Evidence): string[] {
  const counts = (list: string[]): string =>
    [...Map.groupBy(list, (each) => each)]
      .map(([name, every]) => `${every.length} ${name}`)
      .toSorted()
      .join(', ')
  const open = history.filter((entry) => entry.op === 'submit' && entry.answer === 'indeterminate').length
  return [
    `faults: ${counts(faults.map((fault) => (fault.what ?? '').split(' ')[0] ?? ''))}`,
    `${operations.length} submits (${open} answers left open on the way), kinds: ${counts(operations.map((o) => o.kind))}`,
    `${jobs.length} jobs: ${counts(jobs.map((job) => job.state))}; ${dependencies.length} dependencies`,
    `${attempts.length} attempts: ${counts(attempts.map((attempt) => attempt.state))}`,
    `${logs.reduce((sum, log) => sum + log.length, 0)} bytes of log compared, ${audit.rows.length} audit rows, ${replays.length} stale messages`,
    `open files, at the start and at the end: ${openFiles.map((p) => `${p.name} ${p.before} ${p.after}`).join(', ')}`,
    `most at a time: ${caps.map((cap) => `${cap.kind} ${cap.name} ${cap.most} of ${cap.cap}`).join(', ')}`,
  ]
}
