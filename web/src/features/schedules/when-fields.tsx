import { Toggle } from '../../components/button.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { units, type ScheduleForm, type Unit } from './schedule-form.ts'

export interface FieldsProps {
  form: ScheduleForm
  set: (change: Partial<ScheduleForm>) => void
  errorOf: (field: string) => string | undefined
}

const zones = Intl.supportedValuesOf('timeZone')

/** Cron or a span, and whose clocks count. */
export function WhenFields({ form, set, errorOf }: FieldsProps) {
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
          <Field label="Every" error={errorOf('every_seconds')}>
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
        <Field label="Time zone" error={errorOf('zone')} hint="Daylight saving time included">
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
