import { useQuery } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, Input, TextArea } from '../../components/field.tsx'
import type { Schedule } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { pipelineQuery } from '../pipelines/queries.ts'
import { errorsByVariable, typedOf } from '../pipelines/start/start-form.ts'
import { VariableFields } from '../pipelines/start/variable-fields.tsx'
import { PolicyFields } from './policy-fields.tsx'
import { Preview, usePreview } from './preview.tsx'
import { emptyForm, fieldsOf, formOf, missingIn, timingOf, variablesIn, type ScheduleForm } from './schedule-form.ts'
import { useSave } from './use-save.ts'
import { TargetFields } from './target-fields.tsx'
import { WhenFields } from './when-fields.tsx'

interface ScheduleDialogProps {
  /** Null: a new one. */
  schedule: Schedule | null
  /** The one it is for; else it is asked. */
  pipeline?: string
  onClose: () => void
}

type Errors = Record<string, string>

/** Makes a schedule, or changes one, with its next times beside what is typed. */
export default function ScheduleDialog({ schedule, pipeline, onClose }: ScheduleDialogProps) {
  const [form, setForm] = useState(() => (schedule ? formOf(schedule) : emptyForm(pipeline ?? '')))
  const [errors, setErrors] = useState<Errors>({})
  const [variableErrors, setVariableErrors] = useState<Errors>({})
  const set = (change: Partial<ScheduleForm>) => {
    setForm((old) => ({ ...old, ...change }))
    const corrected = (Object.keys(change) as (keyof ScheduleForm)[]).flatMap((key) => fieldsOf[key] ?? [])
    setErrors((old) => without(old, corrected))
  }
  const ofPipeline = form.starts === 'pipeline'
  const declaring = useQuery({
    ...pipelineQuery(form.pipeline),
    enabled: ofPipeline && form.pipeline !== '',
    refetchInterval: false,
  })
  const parameters = declaring.data?.parameters ?? {}
  const saved = schedule?.variables ?? {}
  const preview = usePreview(timingOf(form))
  const errorOf = (field: string) => errors[field] ?? preview.fields.find((one) => one.field === field)?.message
  const element = useRef<HTMLFormElement>(null)
  const fail = (found: Errors, foundVariables: Errors) => {
    setErrors(found)
    setVariableErrors(foundVariables)
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus())
  }
  const save = useSave(schedule, onClose, (fields) => {
    const ofVariables = fields.filter(({ field }) => field.startsWith('variables'))
    const others = fields.filter((one) => !ofVariables.includes(one))
    fail(Object.fromEntries(others.map(({ field, message }) => [field, message])), errorsByVariable(ofVariables))
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (save.isPending) return
    const missing = missingIn(form, schedule === null)
    const { variables, errors: wrong } = ofPipeline
      ? variablesIn(form, parameters, saved)
      : { variables: {}, errors: {} }
    fail(missing, wrong)
    if (Object.keys({ ...missing, ...wrong }).length === 0) save.mutate({ form, variables })
  }
  const problem = save.isError ? problemOf(save.error) : undefined
  const names = new Set([...Object.keys(parameters), 'free'])
  const message = [
    problem?.fields.length === 0 && problem.message,
    ...Object.entries(errors).map(([field, text]) => !placed.has(field) && `${field}: ${text}`),
    ...Object.entries(variableErrors).map(
      ([name, text]) => !names.has(name) && (name === 'other' ? text : `${name} ${text}`),
    ),
  ].filter(Boolean)
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !save.isPending && onClose()}
      title={schedule ? `Schedule ${visibleText(schedule.name)}` : 'New schedule'}
      className="w-[min(40rem,calc(100vw-1rem))]! sm:mt-[6vh]! sm:max-h-[88dvh]!"
    >
      <form ref={element} noValidate className="flex flex-col gap-4" onSubmit={submit}>
        {message.length > 0 && <Alert>{message.join('; ')}</Alert>}
        {!schedule && (
          <div className="grid gap-4 sm:grid-cols-2">
            {pipeline === undefined && <TargetFields form={form} set={set} errorOf={errorOf} />}
            <Field label="Name" error={errorOf('name')} hint={`Unique among those of its ${form.starts}`}>
              {(binding) => (
                <Input
                  {...binding}
                  autoComplete="off"
                  value={form.name}
                  onChange={(event) => set({ name: event.target.value })}
                />
              )}
            </Field>
          </div>
        )}
        <WhenFields form={form} set={set} errorOf={errorOf} />
        <Preview preview={preview} />
        {!ofPipeline && (
          <Field label="Input" optional error={errorOf('input')} hint="JSON. Left empty, runs get the event's own">
            {(binding) => (
              <TextArea
                {...binding}
                rows={3}
                className="font-mono text-sm"
                value={form.input}
                onChange={(event) => set({ input: event.target.value })}
              />
            )}
          </Field>
        )}
        {ofPipeline && declaring.isSuccess && (
          <VariableFields
            parameters={parameters}
            typed={{ ...typedOf(parameters, saved), ...form.typed }}
            onTyped={(name, value) => {
              setForm((old) => ({ ...old, typed: { ...old.typed, [name]: value } }))
              setVariableErrors((old) => without(old, [name]))
            }}
            rows={form.variables}
            onRows={(variables) => {
              set({ variables })
              setVariableErrors({})
            }}
            json={form.json}
            onJson={(json) => set({ json })}
            hint="Each of its runs is started with these"
            errors={variableErrors}
          />
        )}
        {ofPipeline && declaring.isError && <Alert>{problemOf(declaring.error).message}</Alert>}
        <PolicyFields form={form} set={set} errorOf={errorOf} />
        <DialogFooter>
          <Button disabled={save.isPending} onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={save.isPending || declaring.isLoading}>
            {save.isPending ? 'Saving…' : schedule ? 'Save' : 'Create'}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  )
}

/** Those whose errors stand at them. */
const placed = new Set(Object.values(fieldsOf).flat())

const without = (errors: Errors, names: readonly string[]): Errors =>
  Object.fromEntries(Object.entries(errors).filter(([name]) => !names.includes(name)))
