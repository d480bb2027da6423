/** `/metrics` for Prometheus, beside the API because scrapers look for it there; it needs a principal like the API does. */
import type { FastifyInstance } from 'fastify'
import { metricsPath } from '../contract/plain.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'

export function installMetricsRoute(app: FastifyInstance, { operations }: Pick<RouteOptions, 'operations'>): void {
  app.get(metricsPath, async (request, reply) => {
    const { contentType, text } = await operations.readMetrics(askOf(request))
    return reply.type(contentType).header('cache-control', 'no-store').send(text)
  })
}
