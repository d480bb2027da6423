/**
 * Finds a link that died without a word (packets dropped, a machine gone): TCP itself would take a quarter of an hour.
 * Any byte counts as a sign of life, so that a slow link full of log bytes is not taken for a dead one; and time is
 * counted in ticks, so that a process that stood still does not blame the link.
 */
import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

const tickMs = 1_000
/** Quiet for so long: ask. */
const pingAfterTicks = 4

export function watchSilence(session: ClientHttp2Session, socket: Socket, silenceMs = 10_000): void {
  const mostTicks = Math.max(2, Math.ceil(silenceMs / tickMs))
  const askAfter = Math.min(pingAfterTicks, mostTicks - 1)
  let quiet = 0
  let heard = socket.bytesRead
  const timer = setInterval(() => {
    quiet = socket.bytesRead === heard ? quiet + 1 : 0
    heard = socket.bytesRead
    if (session.destroyed || quiet < askAfter) return
    if (quiet >= mostTicks) session.destroy(new Error(`nothing was heard for ${mostTicks} s`))
    else session.ping((error) => void (error === null && (quiet = 0)))
  }, tickMs)
  timer.unref()
  session.once('close', () => clearInterval(timer))
}
