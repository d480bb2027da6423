import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Failed } from '../../components/page-state.tsx'
import { api, type Job } from '../../lib/api.ts'
import { live } from '../../lib/live-page.ts'
import { attemptsQuery, jobQuery } from '../jobs/queries.ts'
import { StateChip } from '../jobs/state-chip.tsx'

/** Sends a test message as soon as it opens, and shows what becomes of it. */
export default function TestDialog({ channel, onClose }: { channel: string; onClose: () => void }) {
  const client = useQueryClient()
  const { mutate, data, isError, error, isPending } = useMutation({
    mutationFn: () => api.channels.test({ name: channel }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['channels'] }),
  })
  useEffect(() => mutate(), [mutate])
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Test of ${channel}`}>
      <div className="flex flex-col gap-4">
        <div aria-live="polite" className="flex min-h-16 flex-col gap-2">
          {isError && <Failed error={error} />}
          {data ? <Result jobId={data.job_id} /> : !isError && <p className="text-muted">Sending…</p>}
        </div>
        <div className="flex justify-end gap-2">
          <Button onClick={() => mutate()} busy={isPending}>
            Send again
          </Button>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

function Result({ jobId }: { jobId: string }) {
  const client = useQueryClient()
  const job = useQuery(jobQuery(jobId))
  const attempts = useQuery(attemptsQuery(jobId))
  useEffect(
    () =>
      live.subscribe(
        () => ({ topic: 'job', job_id: jobId }),
        (message) => {
          if (message.type === 'job') client.setQueryData<Job>(jobQuery(jobId).queryKey, message.job as Job)
          if (message.type === 'job' || message.type === 'subscribed') {
            void client.invalidateQueries({ queryKey: attemptsQuery(jobId).queryKey })
          }
        },
      ),
    [client, jobId],
  )
  if (!job.data) return null
  const said = job.data.result?.message ?? attempts.data?.findLast(({ result }) => result !== null)?.result?.message
  return (
    <>
      <p className="flex items-center gap-3">
        <StateChip state={job.data.state} />
        <Link to="/jobs/$id" params={{ id: jobId }} className="text-sm text-accent hover:underline">
          Its job, with the log
        </Link>
      </p>
      {said && <p className="text-base break-words">{said}</p>}
      {job.data.waiting_reason && <p className="text-sm text-muted">Waits: {job.data.waiting_reason.text}</p>}
      {job.data.state === 'scheduled' && (
        <p className="text-sm text-muted">It is tried {job.data.max_attempts} times, for half an hour.</p>
      )}
    </>
  )
}
