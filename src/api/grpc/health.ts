/** grpc.health.v1: whether calls here would be served, asked once or watched. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectRouter } from '@connectrpc/connect'
import { AppError } from '../../lib/app-error.ts'
import { Health, HealthCheckResponse_ServingStatus as Status } from './gen/grpc/health/v1/health_pb.js'

export interface HealthSources {
  /** Names of the services that clients may ask for; the empty name is the whole server. */
  services: readonly string[]
  /** The database answers and the server does not stop. */
  isServing(): boolean
}

/** How late a watcher may learn of a change: what a load balancer waits for anyway. */
const lookMs = 500

export const healthRoutes =
  ({ services, isServing }: HealthSources): ((router: ConnectRouter) => void) =>
  (router) => {
    const names = new Set(['', ...services])
    const status = (): Status => (isServing() ? Status.SERVING : Status.NOT_SERVING)
    router.service(Health, {
      check({ service }) {
        if (!names.has(service)) throw new AppError('not_found', `there is no service ${service.slice(0, 200)} here`)
        return { status: status() }
      },
      async *watch({ service }, { signal }) {
        let told: Status | undefined
        while (!signal.aborted) {
          const now = names.has(service) ? status() : Status.SERVICE_UNKNOWN
          if (now !== told) yield { status: now }
          told = now
          await sleep(lookMs, undefined, { signal }).catch(() => {})
        }
        // A server that stops says so before the stream ends.
        if (names.has(service) && told !== status()) yield { status: status() }
      },
    })
  }
