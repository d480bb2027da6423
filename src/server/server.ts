/** The composition root: makes one server of its parts, in order, and takes it apart in reverse. */
import { join } from 'node:path'
import { authenticate } from '../access/authenticate.ts'
import type { HostAuthenticate } from '../access/host-people.ts'
import { bootstrapAdmin, claimJwtSecret, type Bootstrapped, type SigningServer } from '../access/bootstrap.ts'
import { accessChannel } from '../access/access-changes.ts'
import { ensureKeys, type Keys } from '../access/keys.ts'
import { ensureLocalToken } from '../access/local-token.ts'
import { rememberAccess } from '../access/recent-access.ts'
import { createSignInThrottle } from '../access/sign-in.ts'
import { createClusterLogClient } from '../api/grpc/cluster-log-client.ts'
import { listenForRunners } from '../api/grpc/runner-listener.ts'
import { createHttpApp } from '../api/rest/app.ts'
import type { WhileThere } from '../api/rest/contract-routes.ts'
import type { Config } from '../config/config.ts'
import { bootError } from '../db/db-errors.ts'
import { startEmbedded } from '../db/embedded.ts'
import { majorVersion } from '../db/embedded/binaries.ts'
import { listen } from '../db/listen.ts'
import { migrate } from '../db/migrate.ts'
import { openDb, type Db } from '../db/pool.ts'
import { startService } from '../lib/service.ts'
import { emitFact } from '../lib/facts.ts'
import { ensurePrivateDir } from '../lib/private-dir.ts'
import { createOperations } from '../operations/index.ts'
import { createClosing, endRuns, type EndRuns } from '../operations/closing.ts'
import type { Deps } from '../operations/deps.ts'
import { createJobChanges } from '../operations/job-changes.ts'
import { eventRunServices } from '../operations/event-hooks.ts'
import { eventUpkeep } from '../operations/event-services.ts'
import { pipelineHooks } from '../operations/pipeline-hooks.ts'
import { createRunChanges } from '../operations/run-changes.ts'
import { failureServices } from '../operations/failure-services.ts'
import { keyringWatch, resealing } from '../operations/key-rotation.ts'
import { scheduleServices } from '../operations/scheduled-runs.ts'
import { createRunnerPort } from '../operations/runner-port.ts'
import type { Strategy } from '../job/placement.ts'
import { createDispatcher } from '../queue/dispatcher.ts'
import { logsChannel } from '../queue/log-places.ts'
import { runsChannel } from '../queue/run-notices.ts'
import type { OnRunsEnded } from '../queue/run-settle.ts'
import { awayAfterSeconds } from '../queue/servers.ts'
import { schedulesChanged } from '../schedules/sync-file-schedules.ts'
import { noteRunsEnded } from '../reactions/outbox.ts'
import { watchDatabase } from './database-watch.ts'
import { watchDisks } from './disk-watch.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { listenForScrapes } from './metrics-listener.ts'
import { grpcCalls, openSecurePort } from './grpc.ts'
import { hostAccess } from './host-access.ts'
import { listenHttp } from './listen-http.ts'
import { listenForPrunner } from './prunner-listener.ts'
import { openArtifacts } from './artifacts.ts'
import { advertised, openLogs, type Logs } from './logs.ts'
import { removeServerFile, runnerSocketPath, writeServerFile } from './places.ts'
import { projectWarnings, watchPipelineFiles } from './pipeline-files.ts'
import { openSealing, type Sealing } from './sealing.ts'
import { serverNameIn } from './server-name.ts'
import { createUnwind } from './unwind.ts'
import { reportFailure, startUpkeep } from './upkeep.ts'

export { mintPrunnerToken } from './prunner-listener.ts'
export type { EndRuns } from '../operations/closing.ts'

export interface ServerOptions {
  version: string
  /** Folder of the built dashboard. */
  webRoot: string
  /** How often waiting runners are served whatever the notices say; tests of the notices set it high. */
  claimPollMs?: number
  /** Started by a command for itself: project directories of this data directory's usual server stay in force. */
  passing?: boolean
  /** Of the application that we are embedded in. */
  hostAuthenticate?: HostAuthenticate
}

export interface RunningServer {
  /** e.g. `http://127.0.0.1:8000`. */
  url: string
  runnerSocket: string
  /** Of the listener for prunner's clients, when there is one. */
  prunnerUrl: string | undefined
  /** host:port of gRPC for this machine; undefined until there is an authority. */
  grpcAddress(): string | undefined
  /** The first administrator; with the password when it was made just now. */
  admin: Bootstrapped
  /** The credential of the command line on this machine. */
  localToken: string
  /** What whoever starts it should know of its settings. */
  warnings: readonly string[]
  /** Nothing new is taken from now on; resolves when runs of pipelines are where `how` wants them, or `hurry` says so. */
  endRuns(how: EndRuns, hurry: AbortSignal): Promise<void>
  /** New work is refused at once, what is in progress gets its time, then everything is let go. Idempotent. */
  stop(): Promise<void>
}

export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const unwind = createUnwind()
  try {
    await ensurePrivateDir(config.dataDir, dirMode())
    await ensurePrivateDir(config.runDir, dirMode())
    const { db, databaseUrl } = await openDatabase(config, unwind)
    const { keys, sealing, admin, localToken, signing } = await bootstrap(config, db)

    const { version } = options
    const logs = await openLogs({ db, dataDir: config.dataDir, version, logStore: config.logStore })
    unwind.add('logs', () => logs.stop())
    const { here } = logs.parts.logKeeper
    const artifacts = await openArtifacts({ db, ...here, dataDir: config.dataDir, logStore: config.logStore })
    unwind.add('artifacts', () => artifacts.stop())
    await claimJwtSecret(db, signing) // again, now that this server is seen
    const ownDatabase = config.databaseUrl === undefined ? [`pg${majorVersion}`] : []
    const { hasRoom } = watchDisks(['logs', ...ownDatabase].map((name) => join(config.dataDir, name)))
    const { leaseSeconds } = config
    const strategy = config.placement as Strategy
    const dispatcher = createDispatcher(db, { leaseSeconds, strategy, hasRoom, pollMs: options.claimPollMs })
    unwind.add('dispatcher', () => dispatcher.stop())
    const access = rememberAccess((credentials) => authenticate(db, keys, credentials))
    const runsEnded: OnRunsEnded = noteRunsEnded
    const watch = watchDatabase(databaseUrl)
    unwind.add('database watch', () => watch.stop())
    const metrics = createMetrics({ db, version, databaseIsAway: () => watch.isAway() })
    unwind.add('metrics', async () => metrics.stop())
    const deps = dependencies(config, keys, {
      db,
      ...sealing,
      ...logs.parts,
      artifacts: artifacts.artifacts,
      dispatcher,
      runsEnded,
      metrics,
      forgetAccess: access.forget,
    })

    const changes = createJobChanges()
    const runChanges = createRunChanges()
    unwind.add('run changes', async () => runChanges.stop())
    const port = createRunnerPort(deps)
    const keepLocalToken = (): void => {
      // Another server may have ended it with its owner's rights; a database that is away is asked at the next change.
      ensureLocalToken(db, config.dataDir).catch((error: unknown) => {
        emitFact({ name: 'access.no_local_token', level: 'warn', error: String(error) })
      })
    }
    const whenAccessChanges = [() => access.forget(), keepLocalToken]
    const accessChanged = (): void => whenAccessChanges.forEach((tell) => tell())
    const notices = listen(
      databaseUrl,
      {
        runyard_work: () => dispatcher.wake(),
        runyard_jobs: (ids) => changes.changed(ids.split(',')),
        runyard_cancels: (ids) => port.cancelled(ids.split(',')),
        [runsChannel]: (payload) => runChanges.heard(payload),
        [accessChannel]: accessChanged,
        [logsChannel]: (payload) => logs.parts.logWatch.heard(payload),
      },
      () => {
        accessChanged()
        dispatcher.wake()
        changes.missed()
        runChanges.missed()
        logs.parts.logWatch.missed()
      },
    )
    unwind.add('notices', () => notices.stop())
    await notices.ready
    const { logPlaces } = logs.parts
    const traces = await openTraces(config, db, version)
    if (traces) unwind.add('traces', () => traces.stop(), 15_000)
    const { sealer } = deps
    const upkeep = startUpkeep({
      ...{ config, db, databaseUrl, logPlaces, changes, runChanges, runsEnded, sealer, traces },
      pipelineHooks: pipelineHooks(deps),
      schedules: [...scheduleServices(deps), resealing(deps)],
      failures: failureServices(deps),
      eventRuns: [...eventRunServices(deps), ...eventUpkeep(deps)],
    })
    unwind.add('upkeep', () => upkeep.stop())
    const keyWatch = startService(keyringWatch(deps), reportFailure)
    unwind.add('sealing keys', () => keyWatch.stop())
    logs.start()
    artifacts.start()

    const definitions = await watchPipelineFiles(config, deps, { retiresOthers: !options.passing })
    unwind.add('pipeline files', () => definitions.stop())
    const warnings = await projectWarnings(config)

    unwind.add('reports in progress', () => port.drain())
    const operations = createOperations(deps, changes, runChanges, () => (watch.isAway() ? [databaseAway] : []))
    const calls = grpcCalls({
      deps,
      operations,
      port,
      watch,
      logs: { ...logs.own, readArtifact: artifacts.read },
      version,
    })
    const runnerSocket = runnerSocketPath(config.runDir)
    const runners = await listenForRunners(runnerSocket, calls)
    unwind.add('runner port', () => runners.stop(3_000))

    unwind.add('submits in progress', () => operations.drain())
    const whileThere: WhileThere = (work) => watch.whileThere(work)
    const app = await createHttpApp({
      operations,
      authenticate: (credentials) => watch.whileThere(() => access.authenticate(credentials)),
      hostAuthenticate: options.hostAuthenticate && hostAccess(db, whileThere, options.hostAuthenticate),
      whileThere,
      ...{ version, webRoot: options.webRoot },
      ...{ bodyLimitBytes: config.bodyLimitBytes, requestsPerMinute: config.requestsPerMinute },
      ...{ corsOrigins: config.corsOrigins, trustProxy: config.trustProxy },
    })
    unwind.add('http', () => app.close())
    if (config.metricsPort !== undefined) {
      const scrapes = await listenForScrapes(config.metricsPort, metrics)
      unwind.add('metrics port', () => scrapes.stop())
    }
    const url = await listenHttp(app, config)
    const prunner = await listenForPrunner(config, { deps, whileThere, version })
    if (prunner) unwind.add('prunner listener', () => prunner.stop())
    const found = { url, pid: process.pid, version: options.version }
    await writeServerFile(config.dataDir, found)
    unwind.add('server file', () => removeServerFile(config.dataDir))
    const securePort = await openSecurePort({
      deps,
      watch,
      calls,
      name: await serverNameIn(config.dataDir),
      async onOpen(grpc) {
        await logs.announce().catch(() => {}) // the beat repeats it
        await writeServerFile(config.dataDir, { ...found, grpc })
      },
    })
    whenAccessChanges.push(() => securePort.accessChanged())
    unwind.add('secure port', () => securePort.stop(3_000))
    const others = createClusterLogClient(() => securePort.credentials())
    unwind.add('links to other servers', () => others.close())
    logs.reachable(() => advertised(config, securePort.address()), others)
    artifacts.reachable(others)
    unwind.add('health', () => calls.drain())
    return {
      url,
      prunnerUrl: prunner?.url,
      grpcAddress: () => securePort.address(),
      runnerSocket,
      admin,
      localToken,
      warnings,
      endRuns: (how, hurry) => endRuns(deps, how, hurry),
      stop: () => unwind.run(),
    }
  } catch (error) {
    await unwind.run()
    throw error
  }
}

const databaseAway = { field: 'database', message: 'does not answer' }

/** As root, PostgreSQL runs as another user who must pass; everything inside is closed by itself. */
const dirMode = (): number => (process.getuid?.() === 0 ? 0o711 : 0o700)

async function openDatabase(
  config: Config,
  unwind: ReturnType<typeof createUnwind>,
): Promise<{ db: Db; databaseUrl: string }> {
  let databaseUrl = config.databaseUrl
  if (databaseUrl === undefined) {
    const embedded = await startEmbedded({ dataDir: config.dataDir, runDir: config.runDir })
    unwind.add('embedded database', () => embedded.stop(), 30_000)
    databaseUrl = embedded.url
  }
  const db = openDb({ connectionString: databaseUrl, max: config.databasePoolSize })
  unwind.add('database', () => db.end())
  await migrate(db).catch((error: unknown) => {
    throw config.databaseUrl === undefined ? error : bootError(error, config.databaseUrl)
  })
  return { db, databaseUrl }
}

async function openTraces({ otlpEndpoint: endpoint, otlpHeaders: headers }: Config, db: Db, version: string) {
  if (endpoint === undefined) return undefined
  const { createTraces } = await import('../telemetry/traces.ts')
  return createTraces(db, { endpoint, headers, version })
}

interface Ground {
  keys: Keys
  sealing: Sealing
  admin: Bootstrapped
  localToken: string
  signing: SigningServer
}

async function bootstrap(config: Config, db: Db): Promise<Ground> {
  const keys = await ensureKeys(config)
  const signing = { jwtSecret: keys.jwtSecret, server: await serverNameIn(config.dataDir), awayAfterSeconds }
  await claimJwtSecret(db, signing)
  const sealing = await openSealing(config, db, keys)
  const admin = await bootstrapAdmin(db, { username: config.adminUsername, password: config.adminPassword })
  const localToken = await ensureLocalToken(db, config.dataDir)
  return { keys, sealing, admin, localToken, signing }
}

function dependencies(
  config: Config,
  keys: Keys,
  parts: Pick<
    Deps,
    | 'db'
    | 'keyring'
    | 'fingerprintKey'
    | keyof Logs['parts']
    | 'artifacts'
    | 'dispatcher'
    | 'runsEnded'
    | 'metrics'
    | 'forgetAccess'
  >,
): Deps {
  return {
    ...parts,
    config,
    sealer: parts.keyring,
    jwtSecret: keys.jwtSecret,
    throttle: createSignInThrottle(),
    closing: createClosing(),
    schedulesChanged,
  }
}
