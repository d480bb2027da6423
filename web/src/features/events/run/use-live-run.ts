import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { live } from '../../../lib/live-page.ts'

/** Reads a run anew whenever the server tells of its job: progress and the end are seen at once, not at the next look. */
export function useLiveRun(id: string, jobId: string | null | undefined) {
  const client = useQueryClient()
  useEffect(() => {
    if (!jobId) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const stop = live.subscribe(
      () => ({ topic: 'job', job_id: jobId }),
      (message) => {
        if (message.type !== 'job' && message.type !== 'resync') return
        timer ??= setTimeout(() => {
          timer = undefined
          void client.invalidateQueries({ queryKey: ['event-runs', 'one', id] })
        }, 150)
      },
    )
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [client, id, jobId])
}
