import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Queue } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { queuesQuery } from '../jobs/queries.ts'
import { formOf, limitsOf, type QueueForm } from './queue-form.ts'

const fields: { field: Exclude<keyof QueueForm, 'paused'>; wire: string; label: string; hint: string }[] = [
  { field: 'concurrency', wire: 'concurrency', label: 'Running at a time', hint: 'Empty: no limit' },
  { field: 'rate_starts', wire: 'rate.starts', label: 'Starts', hint: 'With the time beside it; empty: no limit' },
  { field: 'rate_seconds', wire: 'rate.seconds', label: 'in seconds', hint: 'e.g. 60' },
  {
    field: 'retain_days',
    wire: 'retain_days',
    label: 'Keep for, days',
    hint: 'Empty: the default, 0: for ever',
  },
  { field: 'retain_count', wire: 'retain_count', label: 'Keep at most, jobs', hint: 'Empty: the default, 0: all' },
]

/** Changes a queue's limits, all at once. */
export function QueueDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [form, setForm] = useState(() => formOf(queue))
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => api.queues.put({ name: queue.name, ...limitsOf(form) }),
    onSuccess: () => {
      toast('success', `Queue ${queue.name} is changed`)
      void client.invalidateQueries({ queryKey: queuesQuery.queryKey })
      onClose()
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errorOf = (wire: string) =>
    problem?.fields.find(({ field }) => field === wire || (wire === 'rate.starts' && field === 'rate'))?.message
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Queue ${queue.name}`}>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <div className="grid gap-4 sm:grid-cols-3">
          {fields.map(({ field, wire, label, hint }) => (
            <Field key={field} label={label} hint={hint} error={errorOf(wire)}>
              {(binding) => (
                <Input
                  {...binding}
                  inputMode="decimal"
                  value={form[field]}
                  onChange={(event) => setForm({ ...form, [field]: event.target.value })}
                />
              )}
            </Field>
          ))}
        </div>
        <label className="flex items-center gap-2 text-sm font-medium">
          <input
            type="checkbox"
            checked={form.paused}
            onChange={(event) => setForm({ ...form, paused: event.target.checked })}
          />
          Paused: nothing of it starts
        </label>
        <p className="text-sm text-muted">
          An ended job is removed with its logs as soon as any limit says so: these two, or what is kept of each user.
        </p>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave as it is</Button>
          <Button kind="primary" type="submit" disabled={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
