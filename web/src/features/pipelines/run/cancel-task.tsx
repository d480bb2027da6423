import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Confirm } from '../../../components/confirm.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineRun, type PipelineTask } from '../../../lib/api.ts'
import { taskTitle } from './task-text.ts'

interface CancelTaskProps {
  run: PipelineRun
  task: PipelineTask
  onClose: () => void
}

export function CancelTask({ run, task, onClose }: CancelTaskProps) {
  const client = useQueryClient()
  const cancel = useMutation({
    mutationFn: () => api.pipelineRuns.cancelTask({ id: run.id, task: task.name, item: task.item ?? undefined }),
    onSuccess: () => {
      toast('success', 'Cancel requested')
      void client.invalidateQueries({ queryKey: ['pipeline-runs', 'tasks'] })
    },
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Cancel ${taskTitle(task)}?`}
      action="Cancel the task"
      refuse="Let it run"
      danger
      onConfirm={() => cancel.mutateAsync()}
    >
      It is stopped with all its processes, and tasks that depend on it are skipped.
    </Confirm>
  )
}
