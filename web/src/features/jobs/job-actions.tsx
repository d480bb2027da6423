import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CircleStop, RotateCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Job } from '../../lib/api.ts'
import { useMe } from '../session/session.ts'
import { isEnded, isWaiting, mayRunAgain } from './states.ts'

type Act = 'cancel' | 'rerun' | 'delete'

/** What may be done with a job; each act is asked about first. */
export function JobActions({ job }: { job: Job }) {
  const [asking, setAsking] = useState<Act | null>(null)
  const me = useMe()
  const acts = useActs(job)
  const mine = me?.role === 'admin' || (me?.role === 'operator' && me.username === job.owner)
  if (!mine) return null
  const ended = isEnded(job.state)
  const dialog = (act: Act) => ({ open: asking === act, onOpenChange: (open: boolean) => setAsking(open ? act : null) })
  return (
    <div className="flex flex-wrap gap-2">
      {!ended && (
        <Button
          kind="danger"
          onClick={() => setAsking('cancel')}
          disabled={job.cancel_requested || acts.cancel.isPending}
        >
          <CircleStop aria-hidden className="size-4" /> {job.cancel_requested ? 'Stopping…' : 'Cancel'}
        </Button>
      )}
      {mayRunAgain(job) && (
        <Button onClick={() => setAsking('rerun')} disabled={acts.rerun.isPending}>
          <RotateCw aria-hidden className="size-4" /> Run again
        </Button>
      )}
      {ended && (
        <Button kind="danger" onClick={() => setAsking('delete')} disabled={acts.remove.isPending}>
          <Trash2 aria-hidden className="size-4" /> Delete
        </Button>
      )}
      <Confirm
        {...dialog('cancel')}
        title="Cancel this job?"
        action="Cancel the job"
        refuse="Keep it"
        danger
        onConfirm={acts.cancel.mutateAsync}
      >
        {isWaiting(job.state)
          ? 'It has not started and will not run.'
          : `Its whole process tree is told to end, and is killed ${job.stop_grace_seconds} seconds later if it has not.`}
      </Confirm>
      <Confirm
        {...dialog('rerun')}
        title="Run this job again?"
        action="Run again"
        refuse="Not now"
        onConfirm={acts.rerun.mutateAsync}
      >
        A new job with the same command, environment and limits is submitted. This one stays as it is.
      </Confirm>
      <Confirm
        {...dialog('delete')}
        title="Delete this job?"
        action="Delete"
        refuse="Keep it"
        danger
        onConfirm={acts.remove.mutateAsync}
      >
        The job and its log are removed for good.
      </Confirm>
    </div>
  )
}

function useActs(job: Job) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { id } = job
  const cancel = useMutation({
    mutationFn: () => api.jobs.cancel({ id }),
    onSuccess: () => {
      toast('success', isWaiting(job.state) ? 'Job cancelled' : 'The job is being stopped')
      void client.invalidateQueries({ queryKey: ['jobs', 'one', id] })
    },
  })
  const rerun = useMutation({
    mutationFn: () => api.jobs.rerun({ id }, { context: { idempotencyKey: crypto.randomUUID() } }),
    onSuccess: async (fresh) => {
      toast('success', 'Submitted again')
      await navigate({ to: '/jobs/$id', params: { id: fresh.id } })
    },
  })
  const remove = useMutation({
    mutationFn: () => api.jobs.delete({ id }),
    onSuccess: async () => {
      toast('success', 'Job deleted')
      await navigate({ to: '/jobs' })
      client.removeQueries({ queryKey: ['jobs', 'one', id] })
      void client.invalidateQueries({ queryKey: ['jobs'] })
    },
  })
  return { cancel, rerun, remove }
}
