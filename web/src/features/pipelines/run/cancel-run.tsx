import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Confirm } from '../../../components/confirm.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineRun } from '../../../lib/api.ts'
import { useMe } from '../../session/session.ts'

export function useMayChange(run: Pick<PipelineRun, 'owner'>): boolean {
  const me = useMe()
  return me?.role === 'admin' || (me?.role === 'operator' && me.username === run.owner)
}

/** Asks before a run is cancelled. */
export function CancelRun({ run, onClose }: { run: PipelineRun; onClose: () => void }) {
  const client = useQueryClient()
  const { id } = run
  const cancel = useMutation({
    mutationFn: () => api.pipelineRuns.cancel({ id }),
    onSuccess: (now) => {
      client.setQueryData(['pipeline-runs', 'one', id], now)
      void client.invalidateQueries({ queryKey: ['pipeline-runs'] })
      toast('success', now.status === 'cancelled' ? 'Run cancelled' : 'Cancel requested')
    },
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title="Cancel this run?"
      action="Cancel the run"
      refuse="Let it run"
      danger
      onConfirm={() => cancel.mutateAsync()}
    >
      {run.status === 'waiting'
        ? 'It leaves the waiting list, and none of its tasks starts.'
        : 'Tasks that run are stopped with all their processes, but for those that say they may not be interrupted. No other starts.'}
    </Confirm>
  )
}
