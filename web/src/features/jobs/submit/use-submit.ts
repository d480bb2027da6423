import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState, type FormEvent } from 'react'
import { api } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { useLeaveGuard } from '../../../lib/use-leave-guard.ts'
import { emptyForm, errorsByField, missingField, toJobInput, type JobForm } from './job-form.ts'

/** What a part of the form needs. */
export interface FormPart {
  form: JobForm
  errors: Record<string, string>
  set: (change: Partial<JobForm>) => void
}

/** The form's state, and sending it: the server's refusals come back to their fields. */
export function useSubmit() {
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
    // After the folds with something wrong in them have opened. Rows of names and values have one message for all.
    requestAnimationFrame(() =>
      element.current
        ?.querySelector<HTMLElement>('[aria-invalid=true], fieldset:has(> [role=alert]) :is(input, button)')
        ?.focus(),
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
  useLeaveGuard(form !== emptyForm && !busy)
  return { form, errors, message, busy, set, submit, element }
}
