import { QueryCache, QueryClient } from '@tanstack/react-query'
import { isSignedOut, problemOf } from './problem.ts'

const signedOutListeners = new Set<() => void>()

/** Called when an answer says that the session is over. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener)
  return () => signedOutListeners.delete(listener)
}

const noticeSignOut = (error: unknown) => {
  if (isSignedOut(error)) for (const listener of signedOutListeners) listener()
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeSignOut }),
  defaultOptions: {
    // A server on this machine answers without a network, and an act that waited for one would say nothing.
    queries: {
      networkMode: 'always',
      staleTime: 5_000,
      // What the server refused it will refuse again; only an absent or failing server is worth another try.
      retry: (count, error) => {
        const { status } = problemOf(error)
        return count < 2 && (status === 0 || status >= 500)
      },
    },
    mutations: { networkMode: 'always', onError: noticeSignOut },
  },
})
