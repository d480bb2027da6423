import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import { useId, useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { TextArea } from '../../../components/field.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineRun, type PipelineTask } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useMe } from '../../session/session.ts'
import { taskTitle } from './task-text.ts'

/** What is asked, and the answer that was given or is to be given. */
export function ApprovalBox({ run, task }: { run: PipelineRun; task: PipelineTask }) {
  const me = useMe()
  const { approval, state } = task
  return (
    <section aria-label="Approval" className="flex flex-col gap-3 rounded-lg border border-line bg-surface p-4">
      <p className="text-base whitespace-pre-wrap">
        {visibleText(approval?.message ?? 'Somebody must decide before the tasks after this one start.')}
      </p>
      {state === 'approval' &&
        (me?.role === 'viewer' ? (
          <p className="text-muted">Viewers cannot decide.</p>
        ) : (
          <Decide run={run} task={task} />
        ))}
      {approval?.decision && (
        <p className="text-sm text-muted">
          {{ approved: 'Approved', rejected: 'Rejected', timed_out: 'Nobody decided in time' }[approval.decision]}
          {approval.decided_by && ` by ${approval.decided_by}`}
          {approval.decided_at && (
            <>
              , <RelativeTime at={approval.decided_at} />
            </>
          )}
          {approval.note && `: ${visibleText(approval.note)}`}
        </p>
      )}
      {!approval?.decision && state === 'waiting' && <p className="text-sm text-muted">Its turn has not come.</p>}
    </section>
  )
}

function Decide({ run, task }: { run: PipelineRun; task: PipelineTask }) {
  const [note, setNote] = useState('')
  const [asking, setAsking] = useState<'approve' | 'reject' | null>(null)
  const noteId = useId()
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
    <>
      <div className="flex flex-col gap-1">
        <label htmlFor={noteId} className="text-sm font-medium">
          Note <span className="ml-1 font-normal text-muted">optional</span>
        </label>
        <TextArea
          id={noteId}
          rows={2}
          maxLength={1000}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
      </div>
      <div className="flex gap-2">
        <Button kind="primary" onClick={() => setAsking('approve')}>
          <Check aria-hidden className="size-4" /> Approve
        </Button>
        <Button kind="danger" onClick={() => setAsking('reject')}>
          <X aria-hidden className="size-4" /> Reject
        </Button>
      </div>
      <Confirm
        open={asking !== null}
        onOpenChange={(open) => !open && setAsking(null)}
        title={approve ? `Approve ${taskTitle(task)}?` : `Reject ${taskTitle(task)}?`}
        action={approve ? 'Approve' : 'Reject'}
        refuse="Not now"
        danger={!approve}
        onConfirm={() => decide.mutateAsync(approve)}
      >
        {approve ? 'The tasks after it start.' : 'The task fails, and what depends on it is skipped.'} Your name and the
        note are kept.
      </Confirm>
    </>
  )
}
