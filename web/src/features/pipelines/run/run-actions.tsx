import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CircleStop, RotateCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineRun } from '../../../lib/api.ts'
import { isRunOpen } from '../words.ts'
import { CancelRun, useMayChange } from './cancel-run.tsx'

type Act = 'cancel' | 'failed' | 'start' | 'delete'

/** What may be done with a run; each act is asked about first. */
export function RunActions({ run }: { run: PipelineRun }) {
  const [asking, setAsking] = useState<Act | null>(null)
  const { rerun, remove } = useActs(run)
  if (!useMayChange(run)) return null
  const open = isRunOpen(run)
  const left = run.tasks.total - run.tasks.done
  const dialog = (act: Act) => ({ open: asking === act, onOpenChange: (now: boolean) => setAsking(now ? act : null) })
  return (
    <div className="flex flex-wrap gap-2">
      {open && (
        <Button kind="danger" onClick={() => setAsking('cancel')} disabled={run.cancel_requested}>
          <CircleStop aria-hidden className="size-4" /> {run.cancel_requested ? 'Stopping…' : 'Cancel'}
        </Button>
      )}
      {!open && run.status !== 'succeeded' && (
        <Button onClick={() => setAsking('failed')} disabled={rerun.isPending}>
          <RotateCw aria-hidden className="size-4" /> Re-run from failed
        </Button>
      )}
      {!open && (
        <>
          <Button onClick={() => setAsking('start')} disabled={rerun.isPending}>
            <RotateCw aria-hidden className="size-4" /> Re-run from start
          </Button>
          <Button kind="danger" onClick={() => setAsking('delete')} disabled={remove.isPending}>
            <Trash2 aria-hidden className="size-4" /> Delete
          </Button>
        </>
      )}
      {asking === 'cancel' && <CancelRun run={run} onClose={() => setAsking(null)} />}
      <Confirm
        {...dialog('failed')}
        title="Run again from what failed?"
        action="Run again"
        refuse="Cancel"
        onConfirm={() => rerun.mutateAsync('failed')}
      >
        A new run of the same version with the same variables takes over the {run.tasks.done} that ended well, and runs
        the {left === 1 ? 'one that did not' : `${left} that did not`}.
      </Confirm>
      <Confirm
        {...dialog('start')}
        title="Run all of it again?"
        action="Run again"
        refuse="Cancel"
        onConfirm={() => rerun.mutateAsync('start')}
      >
        A new run of the same version with the same variables begins with its first task. This one stays as it is.
      </Confirm>
      <Confirm
        {...dialog('delete')}
        title="Delete this run?"
        action="Delete"
        refuse="Cancel"
        danger
        onConfirm={() => remove.mutateAsync()}
      >
        The run, the jobs of its tasks, their logs and artefacts are removed for good.
      </Confirm>
    </div>
  )
}

function useActs({ id, pipeline }: PipelineRun) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const rerun = useMutation({
    mutationFn: (from: 'failed' | 'start') =>
      api.pipelineRuns.rerun({ id, from }, { context: { idempotencyKey: crypto.randomUUID() } }),
    onSuccess: async (fresh) => {
      toast('success', fresh.status === 'waiting' ? 'The new run waits for its turn' : 'Started again')
      void client.invalidateQueries({ queryKey: ['pipeline-runs'] })
      await navigate({ to: '/runs/$id', params: { id: fresh.id } })
    },
  })
  const remove = useMutation({
    mutationFn: () => api.pipelineRuns.delete({ id }),
    onSuccess: async () => {
      toast('success', 'Run deleted')
      await navigate({ to: '/pipelines/$name', params: { name: pipeline } })
      client.removeQueries({ queryKey: ['pipeline-runs', 'one', id] })
      void client.invalidateQueries({ queryKey: ['pipeline-runs'] })
    },
  })
  return { rerun, remove }
}
