/** A socket lives as long as the rights that it was opened with: a credential that no longer holds closes it. */
import type { WebSocket } from 'ws'
import type { Principal } from '../../access/authenticate.ts'
import { isAppError } from '../../lib/app-error.ts'
import type { Authenticate, Credentials } from './http-access.ts'

/** Looked at this often, which is as long as `authenticate` remembers. */
export const recheckMs = 2_000
/** Close codes of ours, in the private range. */
const closed = { unauthenticated: 4401, stopping: 1001 } as const

export function closeWithoutRights(
  socket: WebSocket,
  before: Principal | null,
  { authenticate, credentials, everyMs }: { authenticate: Authenticate; credentials: Credentials; everyMs: number },
): void {
  const timer = setInterval(() => {
    authenticate(credentials).then(
      (principal) => {
        if (!sameRights(before, principal)) socket.close(closed.unauthenticated, 'your rights have changed')
      },
      (error: unknown) => {
        // Else the database is away: nothing is decided, the next look decides.
        if (isAppError(error) && error.code === 'unauthenticated') socket.close(closed.unauthenticated, 'sign in again')
      },
    )
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}

/** The server stops: with a reason, and without waiting long for a page that does not answer. */
export async function closeAll(sockets: ReadonlySet<WebSocket>): Promise<void> {
  for (const socket of sockets) {
    socket.resume()
    socket.close(closed.stopping, 'the server is stopping')
  }
  const late = setTimeout(() => sockets.forEach((socket) => socket.terminate()), 1_000)
  await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  clearTimeout(late)
}

/** What was promised to a subscription is not taken back piece by piece: it ends, and begins again with the new rights. */
const sameRights = (before: Principal | null, now: Principal): boolean => rightsOf(before) === rightsOf(now)
const rightsOf = (principal: Principal | null): string =>
  JSON.stringify([principal?.userId, principal?.role, principal && 'scopes' in principal ? principal.scopes : null])
