/** The socket of one attempt: HTTP for whoever has its token, so many requests a second, until the attempt is over. */
import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { helperRate } from '../../job/helper-protocol.ts'
import { AppError } from '../../lib/app-error.ts'
import { monotonicMs } from '../clock.ts'
import { mayUse } from './access.ts'
import { answerError } from './answer.ts'
import { createRate } from './rate.ts'

export interface HelperSocket {
  /** Nobody is answered any more. */
  close(): Promise<void>
}

export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** At once; a script that opens more is refused, and the runner keeps its file descriptors. */
const mostConnections = 256

export async function serveHelpers(path: string, tokenHash: string, handle: Handle): Promise<HelperSocket> {
  const rate = createRate(helperRate)
  const server = createServer({ requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 5_000 })
  server.maxConnections = mostConnections

  const guarded = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const waitMs = rate.take(monotonicMs())
    if (waitMs > 0) {
      const most = `at most ${helperRate.perSecond} requests a second`
      throw new AppError('resource_exhausted', most, { retryAfterSeconds: waitMs / 1000 })
    }
    if (!mayUse(request.headers.authorization, tokenHash)) {
      throw new AppError('unauthenticated', 'the token of this attempt is wanted: Authorization: Bearer $RUNYARD_TOKEN')
    }
    await handle(request, response)
  }
  server.on('request', (request, response) => {
    guarded(request, response).catch((error: unknown) => answerError(request, response, error))
  })
  server.on('clientError', (_error, socket) => socket.destroy())

  // One that a killed runner left.
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  server.on('error', () => {}) // out of file descriptors: whoever wanted to connect tries again
  await chmod(path, 0o666)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
