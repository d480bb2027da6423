import { Field, Input } from '../../../components/field.tsx'
import { KeyValues } from '../../../components/key-values.tsx'
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

/** Limits and labels: rarely needed, hence folded, but open when something in them is wrong. */
export function LimitFields({ form, errors, set }: FormPart) {
  const wrong = limits.some(({ field }) => errors[field]) || errors['labels'] !== undefined
  return (
    <details open={wrong || undefined} className="rounded-lg border border-line bg-surface">
      <summary className="rounded-lg p-4 text-sm font-semibold text-muted">Limits and labels</summary>
      <div className="flex flex-col gap-4 px-4 pb-4">
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
        <KeyValues
          legend="Labels that the runner must have"
          keyPlaceholder="label"
          rows={form.labels}
          onChange={(labels) => set({ labels })}
          error={errors['labels']}
        />
      </div>
    </details>
  )
}
