import { Field, Input } from '../../../components/field.tsx'
import { Fold } from './fold.tsx'
import type { JobForm } from './job-form.ts'
import type { FormPart } from './use-submit.ts'

const limits: { field: keyof JobForm & string; label: string; hint?: string }[] = [
  { field: 'cpu', label: 'CPU, cores', hint: '0.5 is half a core' },
  { field: 'memory_mib', label: 'Memory, MiB' },
  { field: 'disk_mib', label: 'Disk, MiB', hint: 'Private directory and /tmp, each' },
  { field: 'output_mib', label: 'Output kept, MiB' },
  { field: 'pids', label: 'Processes' },
  { field: 'open_files', label: 'Open files' },
]

/** Limits: rarely needed, hence folded, but open when something in them is wrong. */
export function LimitFields({ form, errors, set }: FormPart) {
  return (
    <Fold title="Limits" open={limits.some(({ field }) => errors[field])}>
      <p className="text-sm text-muted">
        A limit that is left empty is the administrator's default. One that is named here is held, or the job is
        refused.
      </p>
      <div className="grid gap-4 sm:grid-cols-3">
        {limits.map(({ field, label, hint }) => (
          <Field key={field} label={label} hint={hint} error={errors[field]}>
            {(binding) => (
              <Input
                {...binding}
                inputMode="decimal"
                placeholder="default"
                value={form[field] as string}
                onChange={(event) => set({ [field]: event.target.value })}
              />
            )}
          </Field>
        ))}
      </div>
    </Fold>
  )
}
