import { Field, Input, Select } from '../../components/field.tsx'
import type { ScheduleForm } from './schedule-form.ts'
import type { FieldsProps } from './when-fields.tsx'

export const misfires: Record<ScheduleForm['misfire'], string> = {
  skip: 'Leave them out',
  run_once: 'Start one run for all of them',
  run_all: 'Start a run for each',
}
export const overlaps: Record<ScheduleForm['overlap'], string> = {
  queue: 'Wait as the pipeline says',
  skip: 'Leave this one out',
  cancel_running: 'Cancel the earlier run',
}
/** What `queue` is for an event. */
export const eventOverlaps = { ...overlaps, queue: 'Wait for its end' }

/** What is seldom changed: when no server was there, when a run goes on, when it is late. */
export function PolicyFields({ form, set, errorOf }: FieldsProps) {
  return (
    <details className="rounded-md border border-line">
      <summary className="px-3 py-2 text-sm font-medium">Missed, overlapping and late runs</summary>
      <div className="grid gap-4 border-t border-line p-3 sm:grid-cols-2">
        <Field label="Times that were missed" error={errorOf('misfire')} hint="While no server ran">
          {(binding) => (
            <Select
              {...binding}
              value={form.misfire}
              onChange={(event) => set({ misfire: event.target.value as ScheduleForm['misfire'] })}
            >
              {Object.entries(misfires).map(([key, text]) => (
                <option key={key} value={key}>
                  {text}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Made up for, minutes back" error={errorOf('catch_up_seconds')} hint="Older ones are left out">
          {(binding) => (
            <Input
              {...binding}
              inputMode="decimal"
              value={form.catchUp}
              onChange={(event) => set({ catchUp: event.target.value })}
            />
          )}
        </Field>
        <Field label="When its last run goes on" error={errorOf('overlap')}>
          {(binding) => (
            <Select
              {...binding}
              value={form.overlap}
              onChange={(event) => set({ overlap: event.target.value as ScheduleForm['overlap'] })}
            >
              {Object.entries(form.starts === 'event' ? eventOverlaps : overlaps).map(([key, text]) => (
                <option key={key} value={key}>
                  {text}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field
          label="Late after, minutes"
          optional
          error={errorOf('late_after_seconds')}
          hint={form.starts === 'event' ? 'Then it is told' : 'The channels of the pipeline are told'}
        >
          {(binding) => (
            <Input
              {...binding}
              inputMode="decimal"
              value={form.late}
              onChange={(event) => set({ late: event.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  )
}
