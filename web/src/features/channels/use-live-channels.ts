import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { live } from '../../lib/live-page.ts'

/** Many messages that move at once are one look at the lists. */
const gatherMs = 500

/** Asks anew for channels and deliveries when a job that sends a message has changed. */
export function useLiveChannels() {
  const client = useQueryClient()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void client.invalidateQueries({ queryKey: ['channels'] })
      }, gatherMs)
    }
    const stop = live.subscribe(
      () => ({ topic: 'jobs' }),
      (message) => {
        if (message.type === 'job' ? message.job.executor === 'message' : message.type !== 'job_gone') look()
      },
    )
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [client])
}
