/** Logs, put together: those that are with this server, the shared store, and the way to those of other servers. */
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { startService, type RunningService } from '../lib/service.ts'
import { openBlobStore } from '../logs/blobs/open-blob-store.ts'
import { followPages } from '../logs/follow.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { createSharedLogs } from '../logs/shared-logs.ts'
import { readStoredCopies } from '../logs/stored-copies.ts'
import type { Deps } from '../operations/deps.ts'
import { createLogKeeper } from '../operations/log-keeper.ts'
import type { LogPeers, OwnLogs } from '../operations/log-peers.ts'
import { createLogPlaces, type Patience } from '../operations/log-places.ts'
import { createLogWatch } from '../operations/log-watch.ts'
import { logSizer } from '../operations/size-logs.ts'
import { logRemover, logSweeper } from '../operations/sweep-logs.ts'
import { keptLogs } from '../queue/log-places.ts'
import { joinServers, seeServer, serverBeat } from '../queue/servers.ts'
import { serverNameIn } from './server-name.ts'
import { reportFailure } from './upkeep.ts'

export interface Logs {
  parts: Pick<Deps, 'logs' | 'logKeeper' | 'logPlaces' | 'logWatch'>
  /** What this server shows to the others. */
  own: Omit<OwnLogs, 'readArtifact'>
  /** From now on other servers reach this one there, and it them. */
  reachable(address: () => string | null, peers: LogPeers): void
  /** Writes down at once where that is; the beat would do it within five seconds. */
  announce(): Promise<void>
  /** Loops that every server runs for its own logs. */
  start(): void
  stop(): Promise<void>
}

export interface LogsOptions {
  db: Db
  dataDir: string
  version: string
  /** `RUNYARD_LOG_STORE` */
  logStore?: string
  /** Short in tests. */
  patience?: Patience
}

/** Throws what is wrong with the shared store when one is named that cannot be used; one that is away is waited for. */
export async function openLogs({ db, dataDir, version, logStore, patience }: LogsOptions): Promise<Logs> {
  const blobs = logStore === undefined ? null : await openBlobStore(logStore)
  await blobs?.check().catch((error: unknown) => {
    if (!isAppError(error) || error.code !== 'unavailable') throw error
    emitFact({ name: 'log_store.away', level: 'warn', message: error.message })
  })
  const shared = blobs && createSharedLogs(blobs)
  const me = await joinServers(db, { name: await serverNameIn(dataDir), version })
  const root = join(dataDir, 'logs')
  const logs = createLocalLogStore(root)
  let address = (): string | null => null
  let peers: LogPeers | null = null
  const removals = logRemover(db, logs, me.id)
  let running: RunningService[] = []
  let removing: RunningService | undefined

  const sealThoseHere = async (attemptKeys: string[]): Promise<void> => {
    for (const log of await keptLogs(db, attemptKeys, me.id)) {
      if (log.here && log.over && !log.shared) await logs.seal(log.name)
    }
  }

  const logWatch = createLogWatch({
    db,
    server: me.id,
    logs,
    // What fails here is done by the sizer, a minute later.
    onOver: (keys) => void sealThoseHere(keys).catch((error: unknown) => reportFailure('logs over', error)),
    onRemovals: () => removing?.wake(),
  })
  const logKeeper = createLogKeeper({ server: me.id, logs, shared, copies: () => readStoredCopies(root) })
  const logPlaces = createLogPlaces({ db, server: me.id, logs, watch: logWatch, shared, peers: () => peers, patience })

  return {
    parts: { logs, logKeeper, logPlaces, logWatch },
    own: {
      name: me.name,
      size: (key, stream) => logs.size(key, stream),
      read: (key, wanted) => logs.read(key, wanted),
      follow: (key, from, signal) => followPages(logs, key, from, signal),
    },
    reachable(at, others) {
      address = at
      peers = others
      running[0]?.wake()
    },
    announce: async () => void (await seeServer(db, me, address())),
    start() {
      const services = [
        serverBeat(db, me, () => address()),
        removals,
        logSweeper({ db, logs, shared, keeper: logKeeper }),
        logSizer(db, logs, logKeeper),
        logWatch.looker(),
      ]
      running = services.map((service) => startService(service, reportFailure))
      removing = running[1]
    },
    async stop() {
      logWatch.stop()
      await Promise.all(running.map((one) => one.stop()))
      await logs.close()
    },
  }
}

/** Where other servers are told to find this one; null while its listener is closed. */
export function advertised(
  { grpcAddress, grpcHost, grpcNames }: Pick<Config, 'grpcAddress' | 'grpcHost' | 'grpcNames'>,
  dialled: string | undefined,
): string | null {
  if (dialled === undefined) return null
  if (grpcAddress !== undefined) return grpcAddress
  const port = dialled.slice(dialled.lastIndexOf(':') + 1)
  // A name that somebody chose for others to dial is known to them more often than that of the host.
  const named = grpcNames.find((name) => isIP(name) !== 0 || /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(name)) ?? hostname()
  const host = grpcHost === '0.0.0.0' || grpcHost === '::' ? named : grpcHost
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}
