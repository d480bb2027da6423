import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { live } from '../../lib/live-page.ts'
import { LogFeed, type LogSnapshot } from './log-feed.ts'

interface LogRequest {
  jobId: string
  attempt: number | undefined
  stream: 'all' | 'stdout' | 'stderr'
  offset: number
}

/** The log as far as it is here; grows while it runs. */
export function useLog({ jobId, attempt, stream, offset }: LogRequest): LogSnapshot {
  const feed = useMemo(() => new LogFeed({ jobId, attempt, stream, offset, live }), [jobId, attempt, stream, offset])
  useEffect(() => {
    feed.start()
    return () => feed.stop()
  }, [feed])
  return useSyncExternalStore(feed.watch, feed.snapshot)
}
