import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { KeyValues } from '../../components/key-values.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Schedule } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { errorsByVariable, freeVariables } from '../pipelines/start/start-form.ts'
import { PolicyFields } from './policy-fields.tsx'
import { Preview } from './preview.tsx'
import { emptyForm, formOf, secondsOf, timingOf, type ScheduleForm } from './schedule-form.ts'
import { PipelineField, WhenFields } from './when-fields.tsx'

interface ScheduleDialogProps {
  /** Null: a new one. */
  schedule: Schedule | null
  /** The one it is for; else it is asked. */
  pipeline?: string
  onClose: () => void
}

/** Makes a schedule, or changes one, with its next times beside what is typed. */
export default function ScheduleDialog({ schedule, pipeline, onClose }: ScheduleDialogProps) {
  const [form, setForm] = useState(() => (schedule ? formOf(schedule) : emptyForm(pipeline ?? '')))
  const set = (change: Partial<ScheduleForm>) => setForm((old) => ({ ...old, ...change }))
  const [wrong, setWrong] = useState<string>()
  const save = useSave(schedule, form, onClose)
  const problem = save.isError ? problemOf(save.error) : undefined
  const errorOf = (...fields: string[]) => problem?.fields.find(({ field }) => fields.includes(field))?.message
  const variableErrors = errorsByVariable(problem?.fields.filter(({ field }) => field.startsWith('variables')) ?? [])
  const fieldless = problem?.fields.filter(({ field }) => !shown.has(field) && !field.startsWith('variables')) ?? []
  const message =
    problem &&
    (problem.fields.length === 0 ? problem.message : fieldless.map((one) => `${one.field}: ${one.message}`).join('; '))
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={schedule ? `Schedule ${visibleText(schedule.name)}` : 'New schedule'}
      className="mt-[6vh] max-h-[88dvh] w-[min(40rem,calc(100vw-2rem))]"
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          const { error } = freeVariables(form.variables, form.json)
          setWrong(error)
          if (error === undefined) save.mutate()
        }}
      >
        {message && <Alert>{message}</Alert>}
        {!schedule && (
          <div className="grid gap-4 sm:grid-cols-2">
            {pipeline === undefined && <PipelineField form={form} set={set} error={errorOf('pipeline')} />}
            <Field label="Name" error={errorOf('name')} hint="Unique among those of its pipeline">
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
        <Preview timing={timingOf(form)} />
        <KeyValues
          legend="Variables"
          keyPlaceholder="name"
          hint="Each of its runs is started with these"
          rows={form.variables}
          onChange={(variables) => set({ variables })}
          error={
            wrong ??
            (Object.entries(variableErrors)
              .map(([name, text]) => (name === 'other' ? text : `${name} ${text}`))
              .join('; ') ||
              undefined)
          }
        />
        <PolicyFields form={form} set={set} errorOf={errorOf} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {save.isPending ? 'Saving…' : schedule ? 'Save' : 'Make it'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

const shown = new Set([
  'pipeline',
  'name',
  'cron',
  'every_seconds',
  'zone',
  'misfire',
  'overlap',
  'catch_up_seconds',
  'late_after_seconds',
])

function useSave(schedule: Schedule | null, form: ScheduleForm, done: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => {
      const timing = timingOf(form) ?? { zone: form.zone }
      const body = {
        cron: null,
        every_seconds: null,
        ...timing,
        misfire: form.misfire,
        overlap: form.overlap,
        catch_up_seconds: secondsOf(form.catchUp),
        late_after_seconds: secondsOf(form.late) ?? null,
        variables: freeVariables(form.variables, form.json).variables as Schedule['variables'],
      }
      return schedule
        ? api.schedules.change({ id: schedule.id, ...body })
        : api.schedules.create({ pipeline: form.pipeline, name: form.name.trim(), ...body })
    },
    onSuccess: ({ name }) => {
      toast('success', `Schedule ${name} is ${schedule ? 'changed' : 'made'}`)
      void client.invalidateQueries({ queryKey: ['schedules'] })
      void client.invalidateQueries({ queryKey: ['pipelines'] })
      done()
    },
  })
}
