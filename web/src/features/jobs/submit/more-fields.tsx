import { Field, Input, Select, TextArea } from '../../../components/field.tsx'
import { KeyValues } from '../../../components/key-values.tsx'
import type { JobForm } from './job-form.ts'
import { Fold } from './fold.tsx'
import type { FormPart } from './use-submit.ts'

/** What a job reads beside its command, and what it reports. */
export function InputFields({ form, errors, set }: FormPart) {
  return (
    <Fold
      title="Inputs, reports and labels"
      open={Boolean(errors['inputs'] || errors['junit'] || errors['job_labels'])}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Shared inputs"
          optional
          error={errors['inputs']}
          hint="One a line: SHARE or SHARE:path; read-only at /inputs/SHARE"
        >
          {(binding) => (
            <TextArea
              {...binding}
              rows={2}
              className="font-mono"
              placeholder="datasets:images/2026"
              value={form.inputs}
              onChange={(e) => set({ inputs: e.target.value })}
            />
          )}
        </Field>
        <Field
          label="JUnit XML"
          optional
          error={errors['junit']}
          hint="One path or pattern a line; its tests are counted"
        >
          {(binding) => (
            <TextArea
              {...binding}
              rows={2}
              className="font-mono"
              placeholder="reports/*.xml"
              value={form.junit}
              onChange={(e) => set({ junit: e.target.value })}
            />
          )}
        </Field>
      </div>
      <KeyValues
        legend="Labels of this job"
        keyPlaceholder="label"
        rows={form.job_labels}
        onChange={(job_labels) => set({ job_labels })}
        error={errors['job_labels']}
        hint="For lists, and for jobs that shall run near or apart from it"
      />
    </Fold>
  )
}

const placementFields: (keyof JobForm)[] = ['labels', 'avoid', 'strategy', 'isolation', 'stop_grace_seconds']

/** On which runners, and how it is shut in. */
export function PlacementFields({ form, errors, set }: FormPart) {
  return (
    <Fold title="Placement and isolation" open={placementFields.some((field) => errors[field])}>
      <KeyValues
        legend="Labels that the runner must have"
        keyPlaceholder="label"
        rows={form.labels}
        onChange={(labels) => set({ labels })}
        error={errors['labels']}
      />
      <KeyValues
        legend="Labels that the runner must not have"
        keyPlaceholder="label"
        rows={form.avoid}
        onChange={(avoid) => set({ avoid })}
        error={errors['avoid']}
      />
      <div className="grid gap-4 sm:grid-cols-3">
        <Field label="Among several runners" error={errors['strategy']}>
          {(binding) => (
            <Select
              {...binding}
              value={form.strategy}
              onChange={(e) => set({ strategy: e.target.value as JobForm['strategy'] })}
            >
              <option value="">As the server is set</option>
              <option value="spread">The least busy one</option>
              <option value="pack">The busiest with room</option>
            </Select>
          )}
        </Field>
        <Field label="Isolation" error={errors['isolation']} hint="None only where it is allowed">
          {(binding) => (
            <Select
              {...binding}
              value={form.isolation}
              onChange={(e) => set({ isolation: e.target.value as JobForm['isolation'] })}
            >
              <option value="full">Full</option>
              <option value="none">None</option>
            </Select>
          )}
        </Field>
        <Field label="Grace when stopped, seconds" optional error={errors['stop_grace_seconds']}>
          {(binding) => (
            <Input
              {...binding}
              inputMode="decimal"
              placeholder="5"
              value={form.stop_grace_seconds}
              onChange={(e) => set({ stop_grace_seconds: e.target.value })}
            />
          )}
        </Field>
      </div>
    </Fold>
  )
}
