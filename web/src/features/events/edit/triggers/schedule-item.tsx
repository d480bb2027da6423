import { useState } from 'react'
import type { EventSchedule } from '../../../../lib/api.ts'
import { eventOverlaps, misfires } from '../../../schedules/policy-fields.tsx'
import { Preview, usePreview } from '../../../schedules/preview.tsx'
import { emptyForm, splitEvery, timingOf, type ScheduleForm } from '../../../schedules/schedule-form.ts'
import { WhenFields } from '../../../schedules/when-fields.tsx'
import { useEditor } from '../editor-context.ts'
import { CheckField, ChoiceField, NumberField, TextField } from '../../../../components/value-fields.tsx'
import { JsonField } from '../fields.tsx'
import { ClockChangeNote } from './clock-change-note.tsx'

const common: [label: string, cron: string][] = [
  ['Hourly', '0 * * * *'],
  ['Daily', '0 3 * * *'],
  ['Weekdays', '0 8 * * 1-5'],
  ['Weekly', '0 6 * * 1'],
  ['Monthly', '0 4 1 * *'],
]

interface ScheduleItemProps {
  schedule: Partial<EventSchedule> & { name: string }
  at: string
  onChange: (change: Partial<EventSchedule>) => void
}

/** When it runs by the clock; what that comes to stands below. */
export function ScheduleItem({ schedule, at, onChange }: ScheduleItemProps) {
  const { errorOf } = useEditor()
  // As it is typed: half a number is no timing yet.
  const [form, setForm] = useState(() => formOf(schedule))
  const timing = timingOf(form)
  const preview = usePreview(timing)
  const error = (field: string) => errorOf(`${at}.${field}`)
  const wrong = (field: string) => preview.fields.find((one) => one.field === field)?.message ?? error(field)
  const set = (change: Partial<ScheduleForm>) => {
    const next = { ...form, ...change }
    setForm(next)
    const { cron, every_seconds, zone } = timingOf(next) ?? { zone: next.zone }
    onChange({ cron: cron ?? null, every_seconds: every_seconds ?? null, zone })
  }
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label="Name" error={error('name')} value={schedule.name} onChange={(name) => onChange({ name })} />
        <CheckField
          className="sm:mt-6"
          label="On"
          value={schedule.enabled ?? true}
          onChange={(enabled) => onChange({ enabled })}
        />
      </div>
      <WhenFields form={form} set={set} errorOf={wrong} />
      {form.kind === 'cron' && (
        <p className="-mt-2 flex flex-wrap gap-x-3 gap-y-1 text-xs">
          {common.map(([label, cron]) => (
            <button
              key={label}
              type="button"
              title={cron}
              onClick={() => set({ cron })}
              className="rounded font-medium text-accent hover:underline"
            >
              {label}
            </button>
          ))}
        </p>
      )}
      <div>
        <Preview preview={preview} />
        {preview.asked && preview.times && preview.times.length > 0 && preview.fields.length === 0 && (
          <ClockChangeNote timing={preview.asked} times={preview.times} />
        )}
      </div>
      <details className="rounded-md border border-line">
        <summary className="px-3 py-2 text-sm font-medium">Input, missed, overlapping and late runs</summary>
        <div className="grid gap-4 border-t border-line p-3 sm:grid-cols-2">
          <JsonField
            className="sm:col-span-2"
            label="Input"
            hint="Left empty, the event's own"
            error={error('input')}
            value={schedule.input}
            onChange={(input) => onChange({ input: input as EventSchedule['input'] })}
          />
          <ChoiceField
            label="Times that were missed"
            hint="While no server ran"
            options={misfires}
            error={error('misfire')}
            value={schedule.misfire ?? 'run_once'}
            onChange={(misfire) => onChange({ misfire })}
          />
          <NumberField
            label="Made up for, minutes back"
            scale={60}
            placeholder="60"
            error={error('catch_up_seconds')}
            value={schedule.catch_up_seconds}
            onChange={(catch_up_seconds) => onChange({ catch_up_seconds })}
          />
          <ChoiceField
            label="When its last run goes on"
            options={eventOverlaps}
            error={error('overlap')}
            value={schedule.overlap ?? 'queue'}
            onChange={(overlap) => onChange({ overlap })}
          />
          <NumberField
            label="Late after, minutes"
            optional
            hint="Then it is told"
            scale={60}
            error={error('late_after_seconds')}
            value={schedule.late_after_seconds ?? undefined}
            onChange={(late) => onChange({ late_after_seconds: late ?? null })}
          />
        </div>
      </details>
    </>
  )
}

function formOf({ cron, every_seconds, zone }: Partial<EventSchedule>): ScheduleForm {
  return {
    ...emptyForm(''),
    kind: typeof every_seconds === 'number' ? 'every' : 'cron',
    ...(typeof cron === 'string' ? { cron } : {}),
    ...(typeof every_seconds === 'number' ? splitEvery(every_seconds) : {}),
    ...(zone === undefined ? {} : { zone }),
  }
}
