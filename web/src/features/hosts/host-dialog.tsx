import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { KeyValues } from '../../components/key-values.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Host } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { Fold } from '../jobs/submit/fold.tsx'
import { AuthFields } from './auth-fields.tsx'
import { changeOf, errorsOf, formOf, newHostOf, type HostForm } from './host-form.ts'
import { hostNamesQuery } from './queries.ts'

interface HostDialogProps {
  /** Null: a new one. */
  host: Host | null
  onClose: () => void
  /** It is there, and its key is still to be looked at; `problem`: it could not be asked. */
  onMade?: (host: Host, problem: string | null) => void
}

export default function HostDialog({ host, onClose, onMade }: HostDialogProps) {
  const [form, setForm] = useState(() => formOf(host))
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: async () =>
      host ? { ...(await api.hosts.change(changeOf(form, host))), problem: null } : api.hosts.create(newHostOf(form)),
    onSuccess: ({ problem, ...saved }) => {
      toast('success', `Host ${saved.name} is ${host ? 'changed' : 'added'}`)
      void client.invalidateQueries({ queryKey: ['hosts'] })
      onClose()
      if (!host) onMade?.(saved, problem)
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errors = errorsOf(problem?.fields ?? [], form.method)
  const change = (some: Partial<HostForm>) => setForm({ ...form, ...some })
  const part = { form, errors, change }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={host ? `Host ${host.name}` : 'Add a host'}
      description={host ? undefined : 'It is asked for its keys next; nothing runs there until you have confirmed one.'}
      className="sm:mt-[6vh] sm:max-h-[88dvh] sm:w-[40rem]"
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!save.isPending) save.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <AddressFields {...part} fixedName={host !== null} />
        <AuthFields {...part} stored={host?.connection?.auth === form.method} />
        <KeyValues
          legend="Labels"
          keyPlaceholder="role"
          rows={form.labels}
          onChange={(labels) => change({ labels })}
          error={errors.labels}
          hint="Jobs name hosts by them: label:role=web"
        />
        <MoreFields {...part} own={host?.name} />
        <DialogFooter>
          <Button onClick={onClose}>{host ? 'Leave as it is' : 'Discard'}</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {save.isPending ? (host ? 'Saving…' : 'Asking for its keys…') : host ? 'Save' : 'Add'}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  )
}

export interface HostPart {
  form: HostForm
  errors: Partial<Record<keyof HostForm, string>>
  change: (some: Partial<HostForm>) => void
}

function AddressFields({ form, errors, change, fixedName }: HostPart & { fixedName: boolean }) {
  return (
    <div className="grid gap-4 sm:grid-cols-6">
      <Field
        className="sm:col-span-3"
        label="Name"
        hint={fixedName ? undefined : 'As jobs name it, e.g. web1'}
        error={errors.name}
      >
        {(binding) => (
          <Input
            {...binding}
            readOnly={fixedName}
            autoComplete="off"
            autoCapitalize="none"
            value={form.name}
            onChange={(event) => change({ name: event.target.value })}
          />
        )}
      </Field>
      <Field className="sm:col-span-3" label="Description" optional error={errors.description}>
        {(binding) => (
          <Input
            {...binding}
            value={form.description}
            onChange={(event) => change({ description: event.target.value })}
          />
        )}
      </Field>
      <Field className="sm:col-span-3" label="Address" hint="As the runners reach it" error={errors.address}>
        {(binding) => (
          <Input
            {...binding}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="10.0.0.5 or web1.example.com"
            value={form.address}
            onChange={(event) => change({ address: event.target.value })}
          />
        )}
      </Field>
      <Field className="sm:col-span-1" label="Port" error={errors.port}>
        {(binding) => (
          <Input
            {...binding}
            inputMode="numeric"
            value={form.port}
            onChange={(event) => change({ port: event.target.value })}
          />
        )}
      </Field>
      <Field className="sm:col-span-2" label="User" error={errors.user}>
        {(binding) => (
          <Input
            {...binding}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="deploy"
            value={form.user}
            onChange={(event) => change({ user: event.target.value })}
          />
        )}
      </Field>
    </div>
  )
}

const moreFields = ['jump', 'connections', 'keep_alive_seconds', 'connect_timeout_seconds', 'open_to'] as const

const numbers = [
  { field: 'connections', label: 'Connections', hint: 'Of each runner' },
  { field: 'keep_alive_seconds', label: 'Keep-alive, seconds' },
  { field: 'connect_timeout_seconds', label: 'To connect, seconds' },
] as const

function MoreFields({ form, errors, change, own }: HostPart & { own: string | undefined }) {
  const others = (useQuery(hostNamesQuery).data ?? []).map(({ name }) => name).filter((name) => name !== own)
  return (
    <Fold title="Way there, connections and who may use it" open={moreFields.some((field) => errors[field])}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Jump host" hint="The connection goes through it" error={errors.jump}>
          {(binding) => (
            <Select {...binding} value={form.jump} onChange={(event) => change({ jump: event.target.value })}>
              <option value="">None</option>
              {[...new Set([...others, ...(form.jump ? [form.jump] : [])])].map((name) => (
                <option key={name}>{name}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Open to" error={errors.open_to}>
          {(binding) => (
            <Select
              {...binding}
              value={form.open_to}
              onChange={(event) => change({ open_to: event.target.value as HostForm['open_to'] })}
            >
              <option value="operators">Operators and administrators</option>
              <option value="admins">Administrators only</option>
            </Select>
          )}
        </Field>
      </div>
      <div className="grid gap-4 sm:grid-cols-3">
        {numbers.map(({ field, label, ...rest }) => (
          <Field key={field} label={label} hint={'hint' in rest ? rest.hint : undefined} error={errors[field]}>
            {(binding) => (
              <Input
                {...binding}
                inputMode="numeric"
                value={form[field]}
                onChange={(event) => change({ [field]: event.target.value })}
              />
            )}
          </Field>
        ))}
      </div>
      <label className="flex items-center gap-2 text-sm font-medium">
        <Checkbox checked={form.enabled} onChange={(event) => change({ enabled: event.target.checked })} />
        Enabled; otherwise jobs that name it are refused
      </label>
    </Fold>
  )
}
