import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { api, type EventSummary } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { RunInputField } from './run-input-field.tsx'
import { inputProblem, noInput, sentInput } from './run-input.ts'

interface RunDialogProps {
  event: Pick<EventSummary, 'id' | 'name' | 'status'>
  onClose: () => void
}

/** Runs it now, with an input of one's own or the one that stands in its definition; leads to the run. */
export default function RunDialog({ event, onClose }: RunDialogProps) {
  const [input, setInput] = useState(noInput)
  const [tried, setTried] = useState(false)
  const client = useQueryClient()
  const navigate = useNavigate()
  const run = useMutation({
    mutationFn: async () =>
      api.events.run(
        { event: event.id, ...((await sentInput(input)) as { input?: never }) },
        { context: { idempotencyKey: crypto.randomUUID?.() ?? String(Math.random()) } },
      ),
    onSuccess: async ({ id }) => {
      void client.invalidateQueries({ queryKey: ['event-runs'] })
      void client.invalidateQueries({ queryKey: ['events'] })
      await navigate({ to: '/event-runs/$id', params: { id } })
    },
  })
  const problem = run.isError ? problemOf(run.error) : undefined
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Run ${visibleText(event.name)}`}
      description={
        event.status === 'active' || event.status === 'draft'
          ? undefined
          : `It is ${event.status}: no trigger starts it, you can.`
      }
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(submit) => {
          submit.preventDefault()
          setTried(true)
          if (!run.isPending && inputProblem(input) === undefined) run.mutate()
        }}
      >
        {problem && (
          <Alert>
            {problem.message}
            {problem.retryAfterSeconds !== undefined && ` Again in ${problem.retryAfterSeconds} s.`}
          </Alert>
        )}
        <RunInputField value={input} onChange={(change) => setInput((old) => ({ ...old, ...change }))} tried={tried} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Not now</Button>
          <Button kind="primary" type="submit" busy={run.isPending}>
            {run.isPending ? 'Starting…' : 'Run'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
