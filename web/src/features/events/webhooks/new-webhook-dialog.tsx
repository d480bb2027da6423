import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { Field, Input, Select } from '../../../components/field.tsx'
import { api, type EventSummary, type Webhook } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'

interface NewWebhookDialogProps {
  event: Pick<EventSummary, 'id' | 'name'>
  /** With the secret, which is shown once. */
  onMade: (webhook: Webhook & { secret: string }) => void
  onClose: () => void
}

export default function NewWebhookDialog({ event, onMade, onClose }: NewWebhookDialogProps) {
  const [name, setName] = useState('')
  const [scheme, setScheme] = useState<Webhook['scheme']>('standard')
  const [perMinute, setPerMinute] = useState('60')
  const client = useQueryClient()
  const make = useMutation({
    mutationFn: () => api.webhooks.create({ event: event.id, name, scheme, per_minute: Number(perMinute) }),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ['webhooks'] })
      void client.invalidateQueries({ queryKey: ['events'] })
      onMade(made)
      onClose()
    },
  })
  const problem = make.isError ? problemOf(make.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((one) => one.field === field)?.message
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="New webhook">
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(submit) => {
          submit.preventDefault()
          make.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <Field label="Name" hint="Lower case, e.g. deploy" error={errorOf('name')}>
          {(binding) => (
            <Input {...binding} autoComplete="off" value={name} onChange={(change) => setName(change.target.value)} />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Signed as" error={errorOf('scheme')}>
            {(binding) => (
              <Select
                {...binding}
                value={scheme}
                onChange={(change) => setScheme(change.target.value as Webhook['scheme'])}
              >
                <option value="standard">Standard Webhooks</option>
                <option value="github">GitHub</option>
              </Select>
            )}
          </Field>
          <Field label="At most, a minute" error={errorOf('per_minute')}>
            {(binding) => (
              <Input
                {...binding}
                inputMode="numeric"
                value={perMinute}
                onChange={(change) => setPerMinute(change.target.value)}
              />
            )}
          </Field>
        </div>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Discard</Button>
          <Button kind="primary" type="submit" busy={make.isPending}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
