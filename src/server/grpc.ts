/** gRPC, put together: the services that there are, and the secure port that opens once there is an authority. */
import type { DescService } from '@bufbuild/protobuf'
import { secretsDir } from '../access/keys.ts'
import type { CallServerOptions } from '../api/grpc/call-server.ts'
import { JobService as SeedJobService } from '../api/grpc/gen/job_service_pb.js'
import { clusterLogRoutes } from '../api/grpc/cluster-log-service.ts'
import { enrolServiceRoutes } from '../api/grpc/enrol-service.ts'
import { EnrolService } from '../api/grpc/gen/runyard/enrol/v1/enrol_service_pb.js'
import { RunnerService } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { JobService } from '../api/grpc/gen/runyard/v1/job_service_pb.js'
import { Health } from '../api/grpc/gen/grpc/health/v1/health_pb.js'
import { healthRoutes } from '../api/grpc/health.ts'
import { jobServiceRoutes } from '../api/grpc/job-service.ts'
import { askOfPeer } from '../api/grpc/peer.ts'
import { reflectionRoutes } from '../api/grpc/reflection.ts'
import { frequentCalls, runnerService, runnerServiceRoutes } from '../api/grpc/runner-service.ts'
import { listenSecurely, type SecureCredentials, type SecureListener } from '../api/grpc/secure-listener.ts'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { startService } from '../lib/service.ts'
import { noteRefused } from '../operations/audited.ts'
import type { Deps } from '../operations/deps.ts'
import type { OwnLogs } from '../operations/log-peers.ts'
import type { Operations } from '../operations/index.ts'
import type { RunnerPort } from '../operations/runner-port.ts'
import { certificateAccess } from './certificate-access.ts'
import type { DatabaseWatch } from './database-watch.ts'
import { dialled, whyNotListening } from './listen-http.ts'
import { hostsOf, serverCredentials } from './server-credentials.ts'
import { createDoorkeeper } from './turned-away.ts'

/** Those that clients may ask for by name: in health and in reflection. */
const services: readonly DescService[] = [SeedJobService, JobService, RunnerService, EnrolService, Health]

export interface GrpcParts {
  deps: Deps
  operations: Operations
  port: RunnerPort
  /** Those that other servers may ask for. */
  logs: OwnLogs
  watch: DatabaseWatch
  version: string
}

export interface GrpcCalls extends CallServerOptions {
  /** From now on health says NOT_SERVING. */
  drain(): void
}

export function grpcCalls({ deps, operations, port, logs, watch, version }: GrpcParts): GrpcCalls {
  let draining = false
  const runners = runnerService(port)
  const routes = [
    jobServiceRoutes(operations, version),
    runnerServiceRoutes(runners),
    enrolServiceRoutes(operations),
    clusterLogRoutes(logs),
    healthRoutes({
      services: services.map(({ typeName }) => typeName),
      isServing: () => !draining && !watch.isAway(),
    }),
    reflectionRoutes(services.map(({ file }) => file)),
  ]
  return {
    routes: (router) => routes.forEach((register) => register(router)),
    frequent: frequentCalls(runners),
    async noteRefused(peer, path, error) {
      await noteRefused(deps, askOfPeer(peer), { action: `CALL ${path}` }, error).catch((failure: unknown) => {
        emitFact({ name: 'audit.failed', level: 'error', error: String(failure) })
      })
    },
    drain: () => void (draining = true),
  }
}

export interface SecurePort {
  /** As a client on this machine dials it; undefined while it is closed. */
  address(): string | undefined
  /** This server's own; undefined until there is an authority. */
  credentials(): SecureCredentials | undefined
  /** Certificates or authorities have changed somewhere. */
  accessChanged(): void
  stop(ms: number): Promise<void>
}

export interface SecurePortParts extends Pick<GrpcParts, 'deps' | 'watch'> {
  calls: CallServerOptions
  /** Of this server, in its certificate. */
  name: string
  onOpen(address: string): Promise<void>
}

/** Whatever the notices say, `certs init` is felt within five seconds. */
const lookMs = 4_000

/** Throws when there is an authority and the port cannot be had; later that is said once, and tried again. */
export async function openSecurePort({ deps, watch, calls, name, onOpen }: SecurePortParts): Promise<SecurePort> {
  const { db, sealer, config } = deps
  const access = certificateAccess(db, watch)
  const doorkeeper = createDoorkeeper(db)
  const parts = { db, sealer, dir: secretsDir(config.dataDir), name, hosts: hostsOf(config) }
  const at = { host: config.grpcHost, port: config.grpcPort }
  let shown: SecureCredentials | undefined
  let listener: SecureListener | undefined
  let said: string | undefined

  const look = async (): Promise<void> => {
    const credentials = await watch.whileThere(() => serverCredentials(parts))
    if (credentials === undefined || same(credentials, shown)) return
    if (listener === undefined) {
      listener = await listenSecurely({
        ...at,
        ...access,
        credentials,
        calls,
        onTurnedAway: (refused) => doorkeeper.note(refused),
      }).catch((error: unknown) => {
        throw whyNotListening(error as NodeJS.ErrnoException, at, { host: '--grpc-host', port: '--grpc-port' })
      })
      const address = dialled({ ...at, port: listener.address.port })
      emitFact({ name: 'grpc.listening', address })
      await onOpen(address)
    } else listener.reload(credentials)
    shown = credentials
  }

  await look().catch((error: unknown) => {
    // The database went away since the server began: like any other outage, it is waited for.
    if (!isAppError(error) || error.code !== 'unavailable') throw error
  })
  const looking = startService({ name: 'grpc port', every: lookMs, runOnce: look }, (_name, error) => {
    if (isAppError(error) && error.code === 'unavailable') return
    const words = error instanceof Error ? error.message : String(error)
    if (words !== said) emitFact({ name: 'grpc.not_listening', level: 'error', error: words })
    said = words
  })

  return {
    address: () => listener && dialled({ ...at, port: listener.address.port }),
    credentials: () => shown,
    accessChanged() {
      access.forget()
      listener?.recheck()
      looking.wake()
    },
    async stop(ms) {
      await looking.stop()
      await listener?.stop(ms)
      await doorkeeper.stop()
    },
  }
}

function same(a: SecureCredentials, b: SecureCredentials | undefined): boolean {
  return a.certificatePem === b?.certificatePem && a.authorityPems.join() === b.authorityPems.join()
}
