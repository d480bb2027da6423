import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, TextArea } from '../../components/field.tsx'
import { api, type EventSummary } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { readJson } from './edit/read-json.ts'

interface RunDialogProps {
  event: Pick<EventSummary, 'id' | 'name' | 'status'>
  onClose: () => void
}

/** Runs it now, with an input of one's own or the one that stands in its definition; leads to the run. */
export default function RunDialog({ event, onClose }: RunDialogProps) {
  const [text, setText] = useState('')
  const client = useQueryClient()
  const navigate = useNavigate()
  const input = readJson(text)
  const run = useMutation({
    mutationFn: () =>
      api.events.run(
        { event: event.id, ...(input.value === undefined ? {} : { input: input.value as never }) },
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
          if (input.error === undefined) run.mutate()
        }}
      >
        {problem && (
          <Alert>
            {problem.message}
            {problem.retryAfterSeconds !== undefined && ` Again in ${problem.retryAfterSeconds} s.`}
          </Alert>
        )}
        <Field
          label="Input"
          optional
          error={input.error}
          hint="JSON. Left empty, it gets the input of its definition, or none."
        >
          {(binding) => (
            <TextArea
              {...binding}
              rows={5}
              className="font-mono text-sm"
              placeholder={'{"customer": 17}'}
              value={text}
              onChange={(change) => setText(change.target.value)}
              onKeyDown={(key) => {
                if (key.key === 'Enter' && (key.ctrlKey || key.metaKey)) key.currentTarget.form?.requestSubmit()
              }}
            />
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Not now</Button>
          <Button kind="primary" type="submit" busy={run.isPending} disabled={input.error !== undefined}>
            {run.isPending ? 'Starting…' : 'Run'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
