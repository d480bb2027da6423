import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineRun, type PipelineTask } from '../../../lib/api.ts'
import { taskTitle } from './task-text.ts'

interface DecideProps {
  run: PipelineRun
  task: PipelineTask
  note?: string
}

/** Approves or rejects a task that waits for somebody, once they are sure. */
export function DecideButtons({ run, task, note = '' }: DecideProps) {
  const [asking, setAsking] = useState<'approve' | 'reject' | null>(null)
  const client = useQueryClient()
  const decide = useMutation({
    mutationFn: (approve: boolean) =>
      api.pipelineRuns.decide({
        id: run.id,
        task: task.name,
        item: task.item ?? undefined,
        approve,
        note: note.trim() || undefined,
      }),
    onSuccess: (_, approve) => {
      toast('success', `${taskTitle(task)} is ${approve ? 'approved' : 'rejected'}`)
      void client.invalidateQueries({ queryKey: ['pipeline-runs', 'tasks'] })
      void client.invalidateQueries({ queryKey: ['pipeline-runs', 'one'] })
    },
  })
  const approve = asking === 'approve'
  return (
    <div className="flex gap-2">
      <Button kind="primary" onClick={() => setAsking('approve')}>
        <Check aria-hidden className="size-4" /> Approve
      </Button>
      <Button kind="danger" onClick={() => setAsking('reject')}>
        <X aria-hidden className="size-4" /> Reject
      </Button>
      <Confirm
        open={asking !== null}
        onOpenChange={(open) => !open && setAsking(null)}
        title={approve ? 'Approve this task?' : 'Reject this task?'}
        action={approve ? 'Approve' : 'Reject'}
        refuse="Cancel"
        danger={!approve}
        onConfirm={() => decide.mutateAsync(approve)}
      >
        <strong className="font-semibold text-text">{taskTitle(task)}</strong>:{' '}
        {approve ? 'the tasks after it start.' : 'it fails, and what depends on it is skipped.'} Your name
        {note.trim() !== '' && ' and the note'} will be shown with it.
      </Confirm>
    </div>
  )
}
