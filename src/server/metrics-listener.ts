/** `/metrics` on a port of its own, without a token: for a Prometheus on this machine only, hence loopback only. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from '../telemetry/metrics.ts'
import { whyNotListening } from './listen-http.ts'

const host = '127.0.0.1'

export async function listenForScrapes(
  port: number,
  metrics: Metrics,
): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    // A page in a browser of this machine sends these, by a name that was made to point here.
    const { port: own } = server.address() as AddressInfo
    const local = [`${host}:${own}`, `localhost:${own}`].includes(request.headers.host ?? '')
    const found = local && (request.method === 'GET' || request.method === 'HEAD') && request.url === '/metrics'
    if (!found) {
      response.writeHead(local ? 404 : 403).end()
      return
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  server.listen(port, host)
  await once(server, 'listening').catch((error: unknown) => {
    throw whyNotListening(
      error as NodeJS.ErrnoException,
      { host, port },
      { host: 'loopback', port: 'RUNYARD_METRICS_PORT' },
    )
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
