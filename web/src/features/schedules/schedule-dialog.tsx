import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button, Toggle } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { KeyValues } from '../../components/key-values.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Schedule } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { pipelineListQuery } from '../pipelines/queries.ts'
import { errorsByVariable, freeVariables } from '../pipelines/start/start-form.ts'
import { PolicyFields } from './policy-fields.tsx'
import { Preview } from './preview.tsx'
import { emptyForm, formOf, secondsOf, timingOf, units, type ScheduleForm, type Unit } from './schedule-form.ts'

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

export interface FieldsProps {
  form: ScheduleForm
  set: (change: Partial<ScheduleForm>) => void
  errorOf: (...fields: string[]) => string | undefined
}

function PipelineField({ form, set, error }: Omit<FieldsProps, 'errorOf'> & { error: string | undefined }) {
  const list = useInfiniteQuery(pipelineListQuery({}))
  const names = list.data?.pages.flatMap((page) => page.pipelines.map(({ name }) => name)) ?? []
  return (
    <Field label="Pipeline" error={error}>
      {(binding) => (
        <Select {...binding} value={form.pipeline} onChange={(event) => set({ pipeline: event.target.value })}>
          <option value="">Choose…</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {visibleText(name)}
            </option>
          ))}
        </Select>
      )}
    </Field>
  )
}

const zones = Intl.supportedValuesOf('timeZone')

function WhenFields({ form, set, errorOf }: FieldsProps) {
  return (
    <div className="flex flex-col gap-3">
      <div role="group" aria-label="How often" className="flex gap-1">
        <Toggle pressed={form.kind === 'cron'} onClick={() => set({ kind: 'cron' })}>
          Cron
        </Toggle>
        <Toggle pressed={form.kind === 'every'} onClick={() => set({ kind: 'every' })}>
          Every…
        </Toggle>
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        {form.kind === 'cron' ? (
          <Field label="Cron" error={errorOf('cron')} hint="Minute, hour, day of month, month, day of week">
            {(binding) => (
              <Input
                {...binding}
                className="font-mono"
                autoComplete="off"
                spellCheck={false}
                value={form.cron}
                onChange={(event) => set({ cron: event.target.value })}
              />
            )}
          </Field>
        ) : (
          <Field label="Every" error={errorOf('every_seconds', 'cron')}>
            {(binding) => (
              <span className="flex gap-2">
                <Input
                  {...binding}
                  wide={false}
                  className="w-24"
                  inputMode="decimal"
                  value={form.every}
                  onChange={(event) => set({ every: event.target.value })}
                />
                <Select
                  aria-label="Unit"
                  value={form.unit}
                  onChange={(event) => set({ unit: event.target.value as Unit })}
                >
                  {Object.keys(units).map((unit) => (
                    <option key={unit}>{unit}</option>
                  ))}
                </Select>
              </span>
            )}
          </Field>
        )}
        <Field label="Time zone" error={errorOf('zone')} hint="Its clocks count, also when they are changed">
          {(binding) => (
            <>
              <Input
                {...binding}
                list="zones"
                autoComplete="off"
                spellCheck={false}
                value={form.zone}
                onChange={(event) => set({ zone: event.target.value })}
              />
              <datalist id="zones">
                {['UTC', ...zones].map((zone) => (
                  <option key={zone} value={zone} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      </div>
    </div>
  )
}

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
