import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useRef, useState, type FormEvent } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button, buttonLook, Toggle } from '../../../components/button.tsx'
import { Field, Input, Select, TextArea } from '../../../components/field.tsx'
import { KeyValues } from '../../../components/key-values.tsx'
import { api } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { useTitle } from '../../../lib/use-title.ts'
import { queuesQuery } from '../queries.ts'
import { emptyForm, errorsByField, missingField, toJobInput, type JobForm } from './job-form.ts'
import { LimitFields } from './limit-fields.tsx'

export interface FormPart {
  form: JobForm
  errors: Record<string, string>
  set: (change: Partial<JobForm>) => void
}

export function SubmitPage() {
  useTitle('New job')
  const { form, errors, message, busy, set, submit, element } = useSubmit()
  const part = { form, errors, set }
  return (
    <form
      ref={element}
      onSubmit={(event) => void submit(event)}
      noValidate
      className="mx-auto flex w-full max-w-3xl flex-col gap-4"
    >
      <h1 className="text-xl font-semibold">New job</h1>
      {message && <Alert>{message}</Alert>}
      <Card title="What to run">
        <CommandField {...part} />
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" optional error={errors['name']} hint="Shown in lists; the command when empty">
            {(binding) => <Input {...binding} value={form.name} onChange={(e) => set({ name: e.target.value })} />}
          </Field>
          <Field
            label="Working directory"
            optional
            error={errors['working_dir']}
            hint="A private, empty one when left out"
          >
            {(binding) => (
              <Input
                {...binding}
                className="font-mono"
                value={form.working_dir}
                onChange={(e) => set({ working_dir: e.target.value })}
              />
            )}
          </Field>
        </div>
      </Card>
      <Card title="Environment">
        <KeyValues
          legend="Variables"
          rows={form.env}
          onChange={(env) => set({ env })}
          error={errors['env']}
          hint="Lines of NAME=value can be pasted"
        />
        <KeyValues
          legend="Secrets"
          secret
          rows={form.secret_env}
          onChange={(secret_env) => set({ secret_env })}
          error={errors['secret_env']}
          hint="Stored encrypted, masked in the log, never shown again"
        />
      </Card>
      <Card title="When and where">
        <QueueFields {...part} />
      </Card>
      <LimitFields {...part} />
      <div className="sticky bottom-0 -mx-1 flex items-center justify-end gap-2 border-t border-line bg-page px-1 py-3">
        <Link to="/jobs" className={buttonLook()}>
          Back to the list
        </Link>
        <Button kind="primary" type="submit" disabled={busy}>
          {busy ? 'Submitting…' : 'Submit job'}
        </Button>
      </div>
    </form>
  )
}

function useSubmit() {
  const [form, setForm] = useState(emptyForm)
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [message, setMessage] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  // One key for one filled form: sent twice after a broken connection, it is still one job.
  const key = useRef(crypto.randomUUID())
  const element = useRef<HTMLFormElement>(null)
  const navigate = useNavigate()
  const client = useQueryClient()
  const fail = (fields: { field: string; message: string }[], text: string) => {
    const found = errorsByField(fields)
    setErrors(found)
    setMessage(found['other'] ?? (Object.keys(found).length > 0 ? 'Some fields need another look.' : text))
    requestAnimationFrame(() =>
      element.current?.querySelector<HTMLElement>('[aria-invalid=true],[role=alert]')?.focus(),
    )
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const missing = missingField(form)
    if (missing) return fail([missing], missing.message)
    setBusy(true)
    try {
      const job = await api.jobs.submit(toJobInput(form), { context: { idempotencyKey: key.current } })
      void client.invalidateQueries({ queryKey: ['jobs', 'list'] })
      await navigate({ to: '/jobs/$id', params: { id: job.id } })
    } catch (error) {
      const problem = problemOf(error)
      fail(problem.fields, problem.message)
      setBusy(false)
    }
  }
  const set = (change: Partial<JobForm>) => {
    key.current = crypto.randomUUID()
    setForm((old) => ({ ...old, ...change }))
  }
  return { form, errors, message, busy, set, submit, element }
}

export function Card({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section aria-label={title} className="flex flex-col gap-4 rounded-lg border border-line bg-surface p-4">
      <h2 className="text-sm font-semibold text-muted">{title}</h2>
      {children}
    </section>
  )
}

function CommandField({ form, errors, set }: FormPart) {
  const shell = form.mode === 'shell'
  return (
    <div className="flex flex-col gap-2">
      <div role="group" aria-label="How the command is given" className="flex gap-1">
        <Toggle pressed={shell} onClick={() => set({ mode: 'shell' })}>
          Shell line
        </Toggle>
        <Toggle pressed={!shell} onClick={() => set({ mode: 'argv' })}>
          Program and arguments
        </Toggle>
      </div>
      <Field
        label={shell ? 'Shell line' : 'Program and arguments'}
        error={errors['command']}
        hint={
          shell
            ? 'Run by bash: pipes, variables and several lines work'
            : 'One on each line, exactly as the program gets them; no quoting'
        }
      >
        {(binding) => (
          <TextArea
            {...binding}
            autoFocus
            className="field-sizing-content min-h-20 font-mono"
            placeholder={shell ? 'make test 2>&1 | tail -50' : 'python3\n-c\nprint("one argument")'}
            value={shell ? form.line : form.argv}
            onChange={(e) => set(shell ? { line: e.target.value } : { argv: e.target.value })}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.form?.requestSubmit()
            }}
          />
        )}
      </Field>
    </div>
  )
}

function QueueFields({ form, errors, set }: FormPart) {
  const queues = useQuery(queuesQuery).data?.map((queue) => queue.name) ?? ['default']
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <Field label="Queue" error={errors['queue']}>
        {(binding) => (
          <Select {...binding} value={form.queue} onChange={(e) => set({ queue: e.target.value })}>
            {queues.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Priority" error={errors['priority']} hint="0 to 10, higher first">
        {(binding) => (
          <Input
            {...binding}
            type="number"
            min={0}
            max={10}
            value={form.priority}
            onChange={(e) => set({ priority: e.target.value })}
          />
        )}
      </Field>
      <Field label="Network" error={errors['network']} hint="None unless the job needs it">
        {(binding) => (
          <Select
            {...binding}
            value={form.network}
            onChange={(e) => set({ network: e.target.value as JobForm['network'] })}
          >
            <option value="none">None</option>
            <option value="host">The host's</option>
          </Select>
        )}
      </Field>
      <Field label="Time limit, seconds" optional error={errors['timeout_seconds']}>
        {(binding) => (
          <Input
            {...binding}
            inputMode="decimal"
            placeholder="the server's"
            value={form.timeout_seconds}
            onChange={(e) => set({ timeout_seconds: e.target.value })}
          />
        )}
      </Field>
      <Field label="Attempts" error={errors['max_attempts']} hint="1: never tried again">
        {(binding) => (
          <Input
            {...binding}
            type="number"
            min={1}
            max={100}
            value={form.max_attempts}
            onChange={(e) => set({ max_attempts: e.target.value })}
          />
        )}
      </Field>
      <Field label="Start after, seconds" optional error={errors['delay_seconds']}>
        {(binding) => (
          <Input
            {...binding}
            inputMode="decimal"
            placeholder="at once"
            value={form.delay_seconds}
            onChange={(e) => set({ delay_seconds: e.target.value })}
          />
        )}
      </Field>
    </div>
  )
}
