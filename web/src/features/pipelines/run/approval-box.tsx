import { useId, useState } from 'react'
import { TextArea } from '../../../components/field.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useMe } from '../../session/session.ts'
import { DecideButtons } from './decide-buttons.tsx'

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

/** With room for a note. */
function Decide({ run, task }: { run: PipelineRun; task: PipelineTask }) {
  const [note, setNote] = useState('')
  const noteId = useId()
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
      <DecideButtons run={run} task={task} note={note} />
    </>
  )
}
