/**
 * What `/metrics` shows, in Prometheus' text format (docs/metrics.md). Counters and histograms are of this server, made of
 * the facts that its code emits; gauges of jobs, queues and runners are of the whole installation, asked when somebody
 * scrapes. No label comes from a user but names of queues and runners, and of those a limited number.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Db } from '../db/pool.ts'
import { onFact, type Fact } from '../lib/facts.ts'
import { installationGauges } from './installation-gauges.ts'
import { labelCap } from './label-cap.ts'

export interface Metrics {
  readonly registry: Registry
  contentType: string
  /** Scrapes that come together share one. */
  text(): Promise<string>
  stop(): void
}

export interface MetricsOptions {
  db: Db
  version: string
  databaseIsAway(): boolean
}

/** Seconds: from a job that starts at once to one that waits for a night. */
const waitBuckets = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200]
const runBuckets = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400]
const mostQueues = 200

export function createMetrics({ db, version, databaseIsAway }: MetricsOptions): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  new Gauge({ name: 'runyard_info', help: 'Version of this server.', labelNames: ['version'], registers }).set(
    { version },
    1,
  )
  const stopListening = onFact(listener(registers))
  const refresh = installationGauges(db, { registers, databaseIsAway })
  let scraping: Promise<string> | undefined
  return {
    registry,
    contentType: registry.contentType,
    text() {
      scraping ??= refresh()
        .then(() => registry.metrics())
        .finally(() => (scraping = undefined))
      return scraping
    },
    stop: stopListening,
  }
}

/** By the name of the fact. */
function listener(registers: Registry[]): (fact: Fact) => void {
  const capped = labelCap(mostQueues)
  const waits = new Histogram({
    name: 'runyard_wait_seconds',
    help: 'From queued to given to a runner, for each attempt that this server gave away.',
    labelNames: ['queue'],
    buckets: waitBuckets,
    registers,
  })
  const runs = new Histogram({
    name: 'runyard_run_seconds',
    help: 'From start to end, for each attempt whose end this server was told.',
    labelNames: ['queue'],
    buckets: runBuckets,
    registers,
  })
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers })
  const attempts = counter('runyard_attempts_total', 'Attempts that ended, by outcome.', ['outcome'])
  const logBytes = counter('runyard_log_received_bytes_total', 'Bytes of output that runners sent to this server.')
  const connectionsLost = counter('runyard_database_connections_lost_total', 'Idle database connections that broke.')
  const upkeepFailures = counter('runyard_upkeep_failures_total', 'Passes of upkeep that failed.')
  const runsBegun = counter('runyard_event_runs_begun_total', 'Runs of events that began, by trigger.', ['trigger'])
  const runsRefused = counter('runyard_event_runs_refused_total', 'Runs of events that were asked for and refused.', [
    'trigger',
  ])
  const runsEnded = counter('runyard_event_runs_ended_total', 'Runs of events that ended, by state.', ['state'])
  const actions = counter('runyard_actions_total', 'Actions after runs of events, by what became of them.', ['state'])
  const webhooks = counter('runyard_webhook_deliveries_total', 'Requests to addresses of webhooks, by result.', [
    'result',
  ])
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const webSockets = gauge('runyard_websocket_sessions', 'Open WebSockets of this server.')
  const grpcSessions = gauge('runyard_grpc_sessions', 'Open gRPC connections of this server that are encrypted.')
  const leader = gauge('runyard_upkeep_leader', 'Whether this server does the upkeep: 1 on one of all servers.')

  const upon: Record<string, (fact: Fact) => void> = {
    'attempt.leased': ({ queue, waited_seconds: s }) => waits.observe({ queue: capped(queue as string) }, s as number),
    'attempt.finished'({ queue, state, run_seconds: seconds }) {
      attempts.inc({ outcome: state as string })
      if (seconds !== undefined) runs.observe({ queue: capped(queue as string) }, seconds as number)
    },
    'job.lost': ({ count }) => attempts.inc({ outcome: 'lost' }, count as number),
    'log.received': ({ bytes }) => logBytes.inc(bytes as number),
    'db.connection_lost': () => connectionsLost.inc(),
    'event.begun': ({ trigger }) => runsBegun.inc({ trigger: trigger as string }),
    'event.refused': ({ trigger }) => runsRefused.inc({ trigger: trigger as string }),
    'event.ended': ({ state }) => runsEnded.inc({ state: state as string }),
    'action.fired': ({ state }) => actions.inc({ state: state as string }),
    'action.given_up': () => actions.inc({ state: 'failed' }),
    'webhook.delivered': ({ result }) => webhooks.inc({ result: result as string }),
    'upkeep.failed': () => upkeepFailures.inc(),
    'live.opened': () => webSockets.inc(),
    'live.closed': () => webSockets.dec(),
    'grpc.session_opened': () => grpcSessions.inc(),
    'grpc.session_closed': () => grpcSessions.dec(),
    'leadership.gained': ({ what }) => what === 'upkeep' && leader.set(1),
    'leadership.ended': ({ what }) => what === 'upkeep' && leader.set(0),
  }
  return (fact) => upon[fact.name]?.(fact)
}
