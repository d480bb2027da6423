import { useSyncExternalStore } from 'react'
import { LiveConnection, type LiveState } from './live.ts'
import { queryClient } from './query-client.ts'

/** The page's one connection. A refusal may mean that the session is over: asking who we are tells. */
export const live = new LiveConnection({
  url: () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/ws`,
  onRefused: () => void queryClient.invalidateQueries({ queryKey: ['me'] }),
})

addEventListener('online', live.retryNow)
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && live.retryNow())

export const useLiveState = (): LiveState => useSyncExternalStore(live.watch, () => live.state)

/** A server that restarts is back before this; a break that lasts is worth a word. */
const lostMs = 1500
let lost = false
let lostTimer: ReturnType<typeof setTimeout> | undefined
const lostWatchers = new Set<() => void>()

live.watch(() => {
  const stands = live.state === 'open' || live.state === 'idle'
  if (stands) {
    clearTimeout(lostTimer)
    lostTimer = undefined
    tellLost(false)
  } else {
    lostTimer ??= setTimeout(() => tellLost(true), lostMs)
  }
})

function tellLost(now: boolean) {
  if (lost === now) return
  lost = now
  for (const watcher of lostWatchers) watcher()
}

const watchLost = (watcher: () => void) => {
  lostWatchers.add(watcher)
  return () => lostWatchers.delete(watcher)
}

/** Whether the server has been out of reach for a while: what the page shows may be old. */
export const useLost = (): boolean => useSyncExternalStore(watchLost, () => lost)
