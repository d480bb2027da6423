import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleStop, RotateCw, Trash2, X } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { Button, IconButton } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Job } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { useFocusAfter } from '../../lib/use-focus-after.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { bulkWords, inParts, targets, type BulkAct, type BulkResult } from './bulk.ts'

const acts: { act: BulkAct; Icon: typeof Trash2; danger?: boolean }[] = [
  { act: 'cancel', Icon: CircleStop, danger: true },
  { act: 'rerun', Icon: RotateCw },
  { act: 'delete', Icon: Trash2, danger: true },
]

interface BulkBarProps {
  jobs: readonly Job[]
  onClear: () => void
  /** Ways to choose more, or how far that is. */
  children?: ReactNode
}

/** What can be done with the chosen jobs. It stays in sight at the lower edge while one goes on choosing. */
export function BulkBar({ jobs, onClear, children }: BulkBarProps) {
  useFocusAfter('[data-job-list], [data-member]')
  const [asking, setAsking] = useState<BulkAct | null>(null)
  const [refused, setRefused] = useState<BulkResult['refused']>([])
  const client = useQueryClient()
  const names = new Map(jobs.map(({ id, name }) => [id, name]))
  const run = useMutation({
    mutationFn: (action: BulkAct) =>
      inParts(
        targets(action, jobs).map(({ id }) => id),
        (ids) => api.jobs.act({ action, ids }),
      ),
    onSuccess: (result, action) => {
      if (result.done > 0) toast('success', sentence(bulkWords[action].done(result.done)))
      setRefused(result.refused)
      if (result.refused.length === 0) onClear()
    },
    onSettled: () => void client.invalidateQueries({ queryKey: ['jobs'] }),
  })
  const words = asking && bulkWords[asking]
  const meant = asking ? targets(asking, jobs) : []
  return (
    <div
      role="toolbar"
      aria-label="Chosen jobs"
      className="sticky bottom-3 z-20 mx-auto flex max-w-full flex-wrap items-center gap-x-2 gap-y-1.5 rounded-lg border border-line bg-surface p-2 shadow-lg sm:px-3"
    >
      <span role="status" className="px-1 text-sm font-medium tabular-nums">
        {jobs.length.toLocaleString()} chosen
      </span>
      {children}
      {acts.map(({ act, Icon, danger }) => (
        <Button
          key={act}
          kind={danger ? 'danger' : 'plain'}
          className="max-sm:disabled:hidden"
          disabled={targets(act, jobs).length === 0}
          busy={run.isPending}
          onClick={() => setAsking(act)}
        >
          <Icon aria-hidden className="size-4" /> {bulkWords[act].button}
        </Button>
      ))}
      <IconButton label="Choose none" className="max-sm:-order-1" onClick={onClear}>
        <X aria-hidden className="size-4" />
      </IconButton>
      {words && (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsking(null)}
          title={`${words.act(meant.length)}?`}
          action={words.act(meant.length)}
          refuse={words.refuse}
          danger={asking !== 'rerun'}
          onConfirm={() => run.mutateAsync(asking!)}
        >
          {words.meaning} {jobs.length > meant.length && words.others(jobs.length - meant.length)}
        </Confirm>
      )}
      {refused.length > 0 && (
        <Dialog
          open
          onOpenChange={() => (setRefused([]), onClear())}
          title={refused.length === 1 ? 'One job was refused' : `${refused.length} jobs were refused`}
        >
          <ul className="flex flex-col gap-2 text-sm">
            {refused.map(({ id, message }) => (
              <li key={id}>
                <span className="font-medium">{visibleText(names.get(id) ?? id)}</span>
                <span className="block text-muted">{sentence(message)}</span>
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </div>
  )
}
