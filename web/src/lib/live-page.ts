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
