import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Queue } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { queuesQuery } from '../jobs/queries.ts'
import { emptyQueue, formOf, limitsOf, type QueueForm } from './queue-form.ts'

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

/** Makes a queue (null), or changes the limits of one, all at once. */
export function QueueDialog({ queue, onClose }: { queue: Queue | null; onClose: () => void }) {
  const [form, setForm] = useState(() => (queue ? formOf(queue) : emptyQueue))
  const [newName, setNewName] = useState('')
  const name = queue?.name ?? newName.trim()
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: async () => {
      // Putting a queue replaces one of the same name; who makes a new one does not mean that.
      if (!queue && client.getQueryData<Queue[]>(queuesQuery.queryKey)?.some((other) => other.name === name)) {
        throw new Error(`There is a queue ${name} already.`)
      }
      return api.queues.put({ name, ...limitsOf(form) })
    },
    onSuccess: () => {
      toast('success', `Queue ${name} is ${queue ? 'changed' : 'made'}`)
      void client.invalidateQueries({ queryKey: queuesQuery.queryKey })
      onClose()
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errorOf = (wire: string) =>
    problem?.fields.find(({ field }) => field === wire || (wire === 'rate.starts' && field === 'rate'))?.message
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={queue ? `Queue ${queue.name}` : 'New queue'}>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        {!queue && (
          <Field label="Name" error={errorOf('name')} hint="Lower-case letters, digits, . _ and -">
            {(binding) => (
              <Input
                {...binding}
                autoFocus
                autoComplete="off"
                spellCheck={false}
                value={newName}
                onChange={(event) => setNewName(event.target.value)}
              />
            )}
          </Field>
        )}
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
          <Checkbox checked={form.paused} onChange={(event) => setForm({ ...form, paused: event.target.checked })} />
          Paused: nothing of it starts
        </label>
        <p className="text-sm text-muted">
          An ended job is removed with its logs as soon as any limit says so: these two, or what is kept of each user.
        </p>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{queue ? 'Leave as it is' : 'Never mind'}</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
