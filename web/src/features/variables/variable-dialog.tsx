import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, Input, Select, TextArea } from '../../components/field.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Variable } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { problemOf } from '../../lib/problem.ts'
import { byteSize } from '../../lib/time.ts'
import { variableQuery } from './queries.ts'
import { bodyOf, bytesOf, formOf, newForm, type VariableForm } from './variable-form.ts'

interface VariableDialogProps {
  /** Null: a new one. */
  variable: Variable | null
  /** Of a new one. */
  secret: boolean
  isAdmin: boolean
  onClose: () => void
}

/** Makes a variable or a secret, or changes one: the value of a variable is read as a whole first. */
export default function VariableDialog({ variable, secret, isAdmin, onClose }: VariableDialogProps) {
  const whole = useQuery({
    ...variableQuery(variable ?? { scope: 'user', name: '' }),
    enabled: variable !== null,
    refetchOnWindowFocus: false,
  })
  const title = variable
    ? `${variable.secret ? 'Secret' : 'Variable'} ${variable.name}`
    : secret
      ? 'New secret'
      : 'New variable'
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={title}>
      {variable && whole.isPending && <Loading rows={3} label="Loading the variable" />}
      {variable && whole.isError && <Failed error={whole.error} />}
      {(!variable || whole.data) && (
        <Form
          before={whole.data ?? null}
          start={whole.data ? formOf(whole.data) : newForm(secret)}
          isAdmin={isAdmin}
          onClose={onClose}
        />
      )}
    </Dialog>
  )
}

interface FormProps {
  before: Variable | null
  start: VariableForm
  isAdmin: boolean
  onClose: () => void
}

function Form({ before: seen, start, isAdmin, onClose }: FormProps) {
  // What it was when the dialog opened: a change that comes in while one types is a conflict, not a new beginning.
  const [before] = useState(seen)
  const [form, setForm] = useState(start)
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => api.variables.put(bodyOf(form, before)),
    onSuccess: ({ name, secret }) => {
      toast('success', `${secret ? 'Secret' : 'Variable'} ${name} is ${before ? 'changed' : 'made'}`)
      onClose()
    },
    onSettled: () => void client.invalidateQueries({ queryKey: ['variables'] }),
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((one) => one.field === field)?.message
  const set = (part: Partial<VariableForm>) => setForm({ ...form, ...part })
  const kept = form.secret && before?.secret === true
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <div className="flex flex-col gap-4 pb-4">
        {problem && <Refusal problem={problem} isNew={before === null} name={form.name} />}
        <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_10rem]">
          <Field
            label="Name"
            error={errorOf('name')}
            hint={before || errorOf('name') ? undefined : 'Letters, digits, _ . and -; begins with a letter or _'}
          >
            {(binding) => (
              <Input
                {...binding}
                readOnly={before !== null}
                className="font-mono"
                autoComplete="off"
                spellCheck={false}
                value={form.name}
                onChange={(event) => set({ name: event.target.value })}
              />
            )}
          </Field>
          <Field label="Whose" error={errorOf('scope')}>
            {(binding) => (
              <Select
                {...binding}
                disabled={before !== null || !isAdmin}
                value={form.scope}
                onChange={(event) => set({ scope: event.target.value as VariableForm['scope'] })}
              >
                <option value="user">Yours</option>
                <option value="global">Global</option>
              </Select>
            )}
          </Field>
        </div>
        <ValueField form={form} kept={kept} error={errorOf('value')} onChange={(value) => set({ value })} />
        <label className="flex items-start gap-2 text-sm font-medium">
          <Checkbox
            className="mt-0.5"
            checked={form.secret}
            onChange={(event) => set({ secret: event.target.checked })}
          />
          <span>
            Secret
            <span className="block text-xs font-normal text-muted">
              Never shown again, masked in logs, and only for events that list it.
            </span>
          </span>
        </label>
        {before?.secret && !form.secret && (
          <Alert kind="note">What was secret is not shown: give a new value, which everybody who reads it sees.</Alert>
        )}
        <Field label="Description" optional error={errorOf('description')}>
          {(binding) => (
            <Input
              {...binding}
              maxLength={500}
              value={form.description}
              onChange={(event) => set({ description: event.target.value })}
            />
          )}
        </Field>
      </div>
      <DialogFooter>
        <Button onClick={onClose}>{before ? 'Leave as it is' : 'Discard'}</Button>
        <Button kind="primary" type="submit" busy={save.isPending}>
          {save.isPending ? 'Saving…' : 'Save'}
        </Button>
      </DialogFooter>
    </form>
  )
}

function Refusal({ problem, isNew, name }: { problem: ReturnType<typeof problemOf>; isNew: boolean; name: string }) {
  if (problem.fields.some(({ field }) => field === 'expect_version')) {
    return (
      <Alert title={isNew ? `There is a ${name} already` : 'It was changed meanwhile'}>
        {isNew
          ? 'Choose another name, or change that one.'
          : 'Somebody, or a script, was first. Close this and open it again to see what it is now.'}
      </Alert>
    )
  }
  return problem.fields.length === 0 ? <Alert>{problem.message}</Alert> : null
}

interface ValueFieldProps {
  form: VariableForm
  /** There is a secret: an empty field leaves it as it is. */
  kept: boolean
  error: string | undefined
  onChange: (value: string) => void
}

function ValueField({ form: { value, secret }, kept, error, onChange }: ValueFieldProps) {
  const [shown, setShown] = useState(false)
  const hidden = secret && !shown
  return (
    <Field
      label={kept ? 'New value' : 'Value'}
      optional={kept}
      error={error}
      hint={
        kept
          ? 'Leave it empty, and the secret stays as it is. What it is cannot be shown.'
          : `${byteSize(bytesOf(value))} of 64 KiB${secret ? '; at least 4 bytes' : ''}`
      }
    >
      {(binding) => (
        <span className="relative flex">
          <TextArea
            {...binding}
            rows={3}
            autoComplete="off"
            className={cn(
              'field-sizing-content max-h-72 min-h-16 pr-10! font-mono text-sm',
              hidden && '[-webkit-text-security:disc]',
            )}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          {secret && (
            <Button
              kind="quiet"
              size="small-icon"
              className="absolute top-1 right-1"
              aria-label={shown ? 'Hide what is typed' : 'Show what is typed'}
              aria-pressed={shown}
              onClick={() => setShown(!shown)}
            >
              {shown ? <EyeOff aria-hidden className="size-4" /> : <Eye aria-hidden className="size-4" />}
            </Button>
          )}
        </span>
      )}
    </Field>
  )
}
