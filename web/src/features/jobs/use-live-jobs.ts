import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Job } from '../../lib/api.ts'
import type { Topic } from '../../lib/live.ts'
import { live } from '../../lib/live-page.ts'
import type { JobFilters } from './filters.ts'
import { applyChanges, type JobChange, type JobPage } from './list-cache.ts'

/** Changes are gathered this long before anything renders: a thousand jobs that end at once are one update. */
const gatherMs = 150
const statsMs = 1000

/** Keeps lists of jobs and every job that is known up to date. For pages that list jobs: it brings each change of any. */
export function useLiveJobs() {
  const client = useQueryClient()
  useEffect(() => follow(client, { topic: 'jobs' }, [['jobs']]), [client])
}

/** Keeps one job and its attempts up to date. */
export function useLiveJob(id: string) {
  const client = useQueryClient()
  useEffect(() => {
    const keys = [
      ['jobs', 'one', id],
      ['jobs', 'attempts', id],
    ]
    return follow(client, { topic: 'job', job_id: id }, keys)
  }, [client, id])
}

/** `keys`: what is read anew at every (re)connect, and when the server had to skip, as nobody tells what was before. */
function follow(client: QueryClient, topic: Topic, keys: string[][]): () => void {
  const gathered = gatherInto(client)
  const stop = live.subscribe(
    () => topic,
    (message) => {
      if (message.type === 'job') gathered.add({ job: message.job as Job })
      else if (message.type === 'job_gone') gathered.add({ gone: message.job_id })
      else if (message.type === 'subscribed' || message.type === 'resync') {
        for (const queryKey of keys) void client.invalidateQueries({ queryKey })
      }
    },
  )
  return () => {
    stop()
    gathered.stop()
  }
}

function gatherInto(client: QueryClient) {
  let changes: JobChange[] = []
  let flushTimer: ReturnType<typeof setTimeout> | undefined
  let statsTimer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    flushTimer = undefined
    const batch = changes
    changes = []
    applyToCache(client, batch)
    statsTimer ??= setTimeout(() => {
      statsTimer = undefined
      void client.invalidateQueries({ queryKey: ['jobs', 'stats'] })
    }, statsMs)
  }
  return {
    add(change: JobChange) {
      changes.push(change)
      flushTimer ??= setTimeout(flush, gatherMs)
    },
    stop() {
      clearTimeout(flushTimer)
      clearTimeout(statsTimer)
    },
  }
}

function applyToCache(client: QueryClient, changes: JobChange[]) {
  for (const query of client.getQueryCache().findAll({ queryKey: ['jobs', 'list'] })) {
    const filters = query.queryKey[2] as JobFilters
    client.setQueryData<InfiniteData<JobPage, string | null>>(query.queryKey, (data) =>
      data ? { ...data, pages: applyChanges(data.pages, changes, filters) } : data,
    )
  }
  for (const change of changes) {
    if ('gone' in change) continue
    const key = ['jobs', 'one', change.job.id]
    const before = client.getQueryData<Job>(key)
    if (!before) continue
    // A change comes without the parts that only the answer for one job has (payload, env).
    client.setQueryData<Job>(key, { ...before, ...change.job })
    void client.invalidateQueries({ queryKey: ['jobs', 'attempts', change.job.id] })
  }
}
