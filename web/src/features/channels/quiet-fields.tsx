import { Plus, Trash2 } from 'lucide-react'
import { Button, IconButton, Toggle } from '../../components/button.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { dayLabels, days, newQuiet, type Quiet } from './channel-form.ts'

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]

/** Hours in which nothing is sent. */
export function QuietFields({
  value,
  error,
  onChange,
}: {
  value: Quiet[]
  error?: string
  onChange: (value: Quiet[]) => void
}) {
  const replace = (at: number, next: Quiet) => onChange(value.map((one, i) => (i === at ? next : one)))
  return (
    <fieldset className="flex min-w-0 flex-col gap-3">
      <legend className="mb-1 text-sm font-medium">Quiet hours</legend>
      {value.map((quiet, at) => (
        <Window
          key={at}
          number={at + 1}
          quiet={quiet}
          onChange={(next) => replace(at, next)}
          onRemove={() => onChange(value.filter((_, i) => i !== at))}
        />
      ))}
      {error && (
        <p role="alert" className="text-sm text-failed">
          Quiet hours: {error}
        </p>
      )}
      <div>
        <Button size="small" onClick={() => onChange([...value, newQuiet()])}>
          <Plus aria-hidden className="size-3.5" /> Add quiet hours
        </Button>
      </div>
    </fieldset>
  )
}

function Window({
  number,
  quiet,
  onChange,
  onRemove,
}: {
  number: number
  quiet: Quiet
  onChange: (next: Quiet) => void
  onRemove: () => void
}) {
  const has = (day: Quiet['days'][number]) => quiet.days.includes(day)
  return (
    <div
      role="group"
      aria-label={`Quiet hours ${number}`}
      className="flex flex-col gap-3 rounded-md border border-line p-3"
    >
      <div className="flex flex-wrap items-center gap-1">
        {days.map((day) => (
          <Toggle
            key={day}
            pressed={has(day)}
            onClick={() =>
              onChange({ ...quiet, days: has(day) ? quiet.days.filter((d) => d !== day) : [...quiet.days, day] })
            }
          >
            {dayLabels[day]}
          </Toggle>
        ))}
        <IconButton small label={`Remove quiet hours ${number}`} className="ml-auto" onClick={onRemove}>
          <Trash2 aria-hidden className="size-3.5" />
        </IconButton>
      </div>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-[5rem_5rem_1fr_1fr]">
        <Field label="From">
          {(binding) => (
            <Input
              {...binding}
              inputMode="numeric"
              placeholder="22:00"
              value={quiet.from}
              onChange={(event) => onChange({ ...quiet, from: event.target.value })}
            />
          )}
        </Field>
        <Field label="To">
          {(binding) => (
            <Input
              {...binding}
              inputMode="numeric"
              placeholder="07:00"
              value={quiet.to}
              onChange={(event) => onChange({ ...quiet, to: event.target.value })}
            />
          )}
        </Field>
        <Field label="Time zone">
          {(binding) => (
            <Select
              {...binding}
              value={quiet.time_zone}
              onChange={(event) => onChange({ ...quiet, time_zone: event.target.value })}
            >
              {(zones.includes(quiet.time_zone) ? zones : [quiet.time_zone, ...zones]).map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Messages are">
          {(binding) => (
            <Select
              {...binding}
              value={quiet.action}
              onChange={(event) => onChange({ ...quiet, action: event.target.value as Quiet['action'] })}
            >
              <option value="hold">held until the end</option>
              <option value="drop">dropped</option>
            </Select>
          )}
        </Field>
      </div>
    </div>
  )
}
