import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Channel } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { bodyOf, errorsOf, formOf, kinds, type ChannelForm, type Kind } from './channel-form.ts'
import { QuietFields } from './quiet-fields.tsx'
import { SettingsFields } from './settings-fields.tsx'

/** Makes a channel (`channel` is null) or changes one. */
export default function ChannelDialog({ channel, onClose }: { channel: Channel | null; onClose: () => void }) {
  const [form, setForm] = useState(() => formOf(channel))
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => api.channels.put(bodyOf(form, channel)),
    onSuccess: ({ name, secret }) => {
      toast('success', `Channel ${name} is ${channel ? 'changed' : 'made'}`)
      void client.invalidateQueries({ queryKey: ['channels'] })
      if (secret === null) onClose()
    },
  })
  if (save.data?.secret) return <SecretDialog name={save.data.name} secret={save.data.secret} onClose={onClose} />
  const problem = save.isError ? problemOf(save.error) : undefined
  const errors = errorsOf(problem?.fields ?? [])
  const change = (some: Partial<ChannelForm>) => setForm({ ...form, ...some })
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={channel ? `Channel ${channel.name}` : 'New channel'}
      className="sm:w-[38rem]"
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" hint={channel ? undefined : 'As batches name it, e.g. team-ci'} error={errors.name}>
            {(binding) => (
              <Input
                {...binding}
                readOnly={channel !== null}
                value={form.name}
                onChange={(event) => change({ name: event.target.value })}
              />
            )}
          </Field>
          <Field label="Kind">
            {(binding) => (
              <Select {...binding} value={form.kind} onChange={(event) => change({ kind: event.target.value as Kind })}>
                {Object.entries(kinds).map(([kind, { label }]) => (
                  <option key={kind} value={kind}>
                    {label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <SettingsFields form={form} errors={errors} stored={channel?.kind === form.kind} onChange={change} />
        <Field label="Description" optional error={errors.description}>
          {(binding) => (
            <Input
              {...binding}
              value={form.description}
              onChange={(event) => change({ description: event.target.value })}
            />
          )}
        </Field>
        <QuietFields value={form.quiet} error={errors.quiet} onChange={(quiet) => change({ quiet })} />
        <label className="flex items-center gap-2 text-sm font-medium">
          <Checkbox checked={form.enabled} onChange={(event) => change({ enabled: event.target.checked })} />
          Enabled; otherwise messages are recorded as not sent
        </label>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{channel ? 'Leave as it is' : 'Discard'}</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function SecretDialog({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Signing secret of ${name}`}
      description="The receiver checks with it that a message is from here. It is shown this once."
    >
      <div className="flex flex-col gap-4">
        <CopyLine what="secret" text={secret} />
        <div className="flex justify-end">
          <Button kind="primary" onClick={onClose}>
            I have it
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
