import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, type ReactNode } from 'react'
import { type Job } from '../../lib/api.ts'
import { live } from '../../lib/live-page.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { attemptsQuery, jobQuery } from './queries.ts'
import { StateChip } from './state-chip.tsx'

/** What becomes of a job that a dialog began: its state while it changes, and the last word of its newest attempt. */
export function WatchedJob({ id, children }: { id: string; children?: (job: Job) => ReactNode }) {
  const client = useQueryClient()
  const job = useQuery(jobQuery(id))
  const attempts = useQuery(attemptsQuery(id))
  useEffect(
    () =>
      live.subscribe(
        () => ({ topic: 'job', job_id: id }),
        (message) => {
          if (message.type === 'job') client.setQueryData<Job>(jobQuery(id).queryKey, message.job as Job)
          if (message.type === 'job' || message.type === 'subscribed') {
            void client.invalidateQueries({ queryKey: attemptsQuery(id).queryKey })
          }
        },
      ),
    [client, id],
  )
  if (!job.data) return null
  const said = job.data.result?.message ?? attempts.data?.findLast(({ result }) => result !== null)?.result?.message
  return (
    <>
      <p className="flex items-center gap-3">
        <StateChip state={job.data.state} />
        <Link to="/jobs/$id" params={{ id }} className="text-sm text-accent hover:underline">
          Its job, with the log
        </Link>
      </p>
      {said && <p className="text-base wrap-anywhere">{sentence(visibleText(said))}</p>}
      {job.data.waiting_reason && <p className="text-sm text-muted">Waits: {job.data.waiting_reason.text}</p>}
      {children?.(job.data)}
    </>
  )
}
