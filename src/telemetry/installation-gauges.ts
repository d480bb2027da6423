/** Gauges that are the database's to tell, and its own health. */
import { Gauge, type Registry } from 'prom-client'
import type { Db } from '../db/pool.ts'
import { jobStates } from '../job/state.ts'
import { queueGauges, type QueueGauges } from '../queue/gauges.ts'
import { labelCap, others } from './label-cap.ts'

const mostQueues = 200
const mostRunners = 500
/** A scrape that waits longer is given up by Prometheus; what the server itself knows is worth more than nothing. */
const patienceMs = 4_000

export interface GaugeOptions {
  registers: Registry[]
  databaseIsAway(): boolean
}

/** Returns what brings all of them up to date; never rejects. */
export function installationGauges(db: Db, { registers, databaseIsAway }: GaugeOptions): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  const jobs = gauge('runyard_jobs', 'Jobs that are kept, by queue and state; of the whole installation.', [
    'queue',
    'state',
  ])
  const depth = gauge('runyard_queue_depth', 'Jobs that could start now, by queue.', ['queue'])
  const oldest = gauge('runyard_queue_oldest_wait_seconds', 'How long the one waits that is next, by queue.', ['queue'])
  const slots = gauge('runyard_runner_slots', 'Slots of a runner.', ['runner'])
  const used = gauge('runyard_runner_slots_used', 'Slots of a runner that are taken.', ['runner'])
  const online = gauge('runyard_runner_online', 'Whether a runner takes work.', ['runner'])
  const outbox = gauge('runyard_outbox_waiting', 'Notices of which no message was made yet.')
  const due = gauge('runyard_actions_due', 'Actions after runs of events that are still to be done, now or later.')
  const incidents = gauge('runyard_incidents_open', 'Incidents that are not closed.')
  const up = gauge('runyard_database_up', 'Whether the database answered this scrape.')
  const ping = gauge('runyard_database_ping_seconds', 'How long the database took to answer a question of nothing.')
  const pool = gauge('runyard_database_pool', 'Database connections of this server, by what they do.', ['state'])
  const poolWaiting = gauge('runyard_database_pool_waiting', 'Requests of this server that wait for a connection.')

  function show({ jobs: counts, waits, runners }: QueueGauges): void {
    // Anew each time: names that are gone leave their place to others.
    const queueLabel = labelCap(mostQueues)
    const runnerLabel = labelCap(mostRunners)
    for (const one of [jobs, depth, oldest, slots, used, online]) one.reset()
    for (const queue of new Set(counts.map((count) => queueLabel(count.queue)))) {
      for (const state of jobStates) jobs.set({ queue, state }, 0)
      depth.set({ queue }, 0)
      oldest.set({ queue }, 0)
    }
    for (const { queue, state, n } of counts) {
      jobs.inc({ queue: queueLabel(queue), state }, n)
      if (state === 'queued') depth.inc({ queue: queueLabel(queue) }, n)
    }
    const longest = new Map<string, number>()
    for (const { queue, seconds } of waits) {
      const label = queueLabel(queue)
      longest.set(label, Math.max(seconds, longest.get(label) ?? 0))
    }
    for (const [queue, seconds] of longest) oldest.set({ queue }, seconds)
    for (const one of runners) {
      const runner = runnerLabel(one.runner)
      slots.inc({ runner }, one.slots)
      used.inc({ runner }, one.used)
      online.set({ runner }, one.state === 'online' || runner === others ? 1 : 0)
    }
  }

  async function ask(): Promise<void> {
    const begin = performance.now()
    await db.query('select 1')
    ping.set((performance.now() - begin) / 1000)
    const [found, counted] = await Promise.all([
      queueGauges(db),
      db.query<{ notices: number; due: number; incidents: number }>({
        name: 'telemetry_counts',
        text: `select (select count(*) from outbox)::int as notices,
          (select count(*) from action_firings where state = 'due')::int as due,
          (select count(*) from incidents where closed_at is null)::int as incidents`,
      }),
    ])
    show(found)
    const [counts] = counted.rows
    outbox.set(counts!.notices)
    due.set(counts!.due)
    incidents.set(counts!.incidents)
  }

  return async () => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), patienceMs)))
    const answered = databaseIsAway()
      ? false
      : await Promise.race([
          ask().then(
            () => true,
            () => false,
          ),
          late,
        ])
    clearTimeout(timer)
    up.set(answered ? 1 : 0)
    // Numbers of before would look like those of now.
    if (!answered)
      for (const one of [jobs, depth, oldest, slots, used, online, outbox, due, incidents, ping]) one.reset()
    const { totalCount, idleCount, waitingCount } = db.pool
    pool.set({ state: 'in_use' }, totalCount - idleCount)
    pool.set({ state: 'idle' }, idleCount)
    poolWaiting.set(waitingCount)
  }
}
