/**
 * Hears NOTIFY. A notification is a hint and never the truth: after every gap in the connection `onReconnect` runs, so
 * that the caller looks at the tables for what it may have missed.
 */
import { emitFact } from '../lib/facts.ts'
import type { DbConfig } from './pool.ts'
import { openSession, type SessionOptions } from './session.ts'

export type ChannelHandlers = Record<string, (payload: string) => void>

export interface Listener {
  /** Resolves when the channels are heard for the first time. */
  ready: Promise<void>
  stop(): Promise<void>
}

export type ListenOptions = Pick<SessionOptions, 'probeMs' | 'probeTimeoutMs' | 'pauseMs'>

export function listen(
  target: string | DbConfig,
  channels: ChannelHandlers,
  onReconnect: () => void,
  options: ListenOptions = {},
): Listener {
  let before = false
  let heard: () => void
  const ready = new Promise<void>((resolve) => (heard = resolve))
  const call = (what: string, fn: () => void): void => {
    try {
      fn()
    } catch (error) {
      emitFact({ name: 'db.listener_failed', level: 'error', what, message: (error as Error).message })
    }
  }
  const session = openSession(target, {
    ...options,
    purpose: 'listen',
    async use(client, lost) {
      client.on('notification', ({ channel, payload }) => {
        const handler = channels[channel]
        if (handler && !lost.aborted) call(channel, () => handler(payload ?? ''))
      })
      for (const channel of Object.keys(channels)) await client.query(`listen ${client.escapeIdentifier(channel)}`)
      heard()
      if (before) call('reconnect', onReconnect)
      before = true
    },
  })
  return { ready, stop: () => session.stop() }
}
