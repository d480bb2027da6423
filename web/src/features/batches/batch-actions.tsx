import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CircleCheckBig, CircleStop, RotateCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Batch } from '../../lib/api.ts'
import { useMe } from '../session/session.ts'
import { count } from './count-words.tsx'
import { isOpen } from './progress.ts'

type Act = 'cancel' | 'complete' | 'all' | 'failed' | 'delete'

const jobs = (n: number) => (n === 1 ? '1 job' : `${count.format(n)} jobs`)

export function useMayChange(batch: Batch): boolean {
  const me = useMe()
  return me?.role === 'admin' || (me?.role === 'operator' && me.username === batch.owner)
}

/** What may be done with a batch; each act is asked about first. */
export function BatchActions({ batch }: { batch: Batch }) {
  const [asking, setAsking] = useState<Act | null>(null)
  const acts = useActs(batch)
  if (!useMayChange(batch)) return null
  const { counts } = batch
  const open = isOpen(batch)
  const notPassed = counts.failed + counts.cancelled
  const dialog = (act: Act) => ({ open: asking === act, onOpenChange: (now: boolean) => setAsking(now ? act : null) })
  return (
    <div className="flex flex-wrap gap-2">
      {open && (
        <>
          <Button
            kind="danger"
            onClick={() => setAsking('cancel')}
            disabled={batch.cancel_requested || acts.cancel.isPending}
          >
            <CircleStop aria-hidden className="size-4" /> {batch.cancel_requested ? 'Stopping…' : 'Cancel'}
          </Button>
          <Button onClick={() => setAsking('complete')} disabled={acts.complete.isPending}>
            <CircleCheckBig aria-hidden className="size-4" /> Force complete
          </Button>
        </>
      )}
      {counts.failed > 0 && (
        <Button onClick={() => setAsking('failed')} disabled={acts.rerun.isPending}>
          <RotateCw aria-hidden className="size-4" /> Re-run failed
        </Button>
      )}
      <Button onClick={() => setAsking('all')} disabled={acts.rerun.isPending}>
        <RotateCw aria-hidden className="size-4" /> Re-run all
      </Button>
      {!open && (
        <Button kind="danger" onClick={() => setAsking('delete')} disabled={acts.remove.isPending}>
          <Trash2 aria-hidden className="size-4" /> Delete
        </Button>
      )}
      <Confirm
        {...dialog('cancel')}
        title="Cancel this batch?"
        action="Cancel the batch"
        refuse="Let it run"
        danger
        onConfirm={acts.cancel.mutateAsync}
      >
        {jobs(counts.waiting)} that wait will not run, and {jobs(counts.running)} that run are stopped with all their
        processes.
      </Confirm>
      <Confirm
        {...dialog('complete')}
        title="Force this batch to be complete?"
        action="Complete it now"
        refuse="Let it run"
        danger
        onConfirm={acts.complete.mutateAsync}
      >
        What waits is cancelled, what runs is killed without grace, and its notices are sent now.
      </Confirm>
      <Confirm
        {...dialog('failed')}
        title="Run the failed ones again?"
        action={`Run ${jobs(notPassed)} again`}
        refuse="Not now"
        onConfirm={() => acts.rerun.mutateAsync('failed')}
      >
        A new batch with the {jobs(notPassed)} that did not pass is submitted. This one stays as it is.
      </Confirm>
      <Confirm
        {...dialog('all')}
        title="Run this batch again?"
        action={`Run ${jobs(counts.total)} again`}
        refuse="Not now"
        onConfirm={() => acts.rerun.mutateAsync('all')}
      >
        A new batch with the same {jobs(counts.total)} is submitted. This one stays as it is.
      </Confirm>
      <Confirm
        {...dialog('delete')}
        title="Delete this batch?"
        action="Delete"
        refuse="Keep it"
        danger
        onConfirm={acts.remove.mutateAsync}
      >
        The batch, its {jobs(counts.total)} and their logs are removed for good.
      </Confirm>
    </div>
  )
}

function useActs({ id }: Batch) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const key = ['batches', 'one', id]
  const cancel = useMutation({
    mutationFn: () => api.batches.cancel({ id }),
    onSuccess: (answer) => {
      client.setQueryData(key, answer.batch)
      toast(
        'success',
        'The batch is being stopped',
        `${jobs(answer.cancelled)} cancelled, ${jobs(answer.stopping)} stopping`,
      )
    },
  })
  const complete = useMutation({
    mutationFn: () => api.batches.complete({ id }),
    onSuccess: (batch) => {
      client.setQueryData(key, batch)
      toast('success', 'The batch is complete')
    },
  })
  const rerun = useMutation({
    mutationFn: (only: 'all' | 'failed') =>
      api.batches.rerun({ id, only }, { context: { idempotencyKey: crypto.randomUUID() } }),
    onSuccess: async (fresh) => {
      toast('success', `Submitted ${jobs(fresh.counts.total)} again`)
      void client.invalidateQueries({ queryKey: ['batches', 'reruns'] })
      await navigate({ to: '/batches/$id', params: { id: fresh.id } })
    },
  })
  const remove = useMutation({
    mutationFn: () => api.batches.delete({ id }),
    onSuccess: async () => {
      toast('success', 'Batch deleted')
      await navigate({ to: '/batches' })
      client.removeQueries({ queryKey: key })
      void client.invalidateQueries({ queryKey: ['batches', 'list'] })
    },
  })
  return { cancel, complete, rerun, remove }
}
