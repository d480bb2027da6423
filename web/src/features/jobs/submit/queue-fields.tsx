import { useQuery } from '@tanstack/react-query'
import { Field, Input, Select } from '../../../components/field.tsx'
import { queuesQuery } from '../queries.ts'
import type { FormPart } from './use-submit.ts'

export function QueueFields({ form, errors, set }: FormPart) {
  const queues = useQuery(queuesQuery).data?.map((queue) => queue.name) ?? ['default']
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <Field label="Queue" error={errors['queue']}>
        {(binding) => (
          <Select {...binding} value={form.queue} onChange={(e) => set({ queue: e.target.value })}>
            {queues.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Priority" error={errors['priority']} hint="0 to 10, higher first">
        {(binding) => (
          <Input
            {...binding}
            type="number"
            min={0}
            max={10}
            value={form.priority}
            onChange={(e) => set({ priority: e.target.value })}
          />
        )}
      </Field>
      <Field label="Time limit, seconds" optional error={errors['timeout_seconds']}>
        {(binding) => (
          <Input
            {...binding}
            inputMode="decimal"
            placeholder="the server's"
            value={form.timeout_seconds}
            onChange={(e) => set({ timeout_seconds: e.target.value })}
          />
        )}
      </Field>
      <Field label="Attempts" error={errors['max_attempts']} hint="1: never tried again">
        {(binding) => (
          <Input
            {...binding}
            type="number"
            min={1}
            max={100}
            value={form.max_attempts}
            onChange={(e) => set({ max_attempts: e.target.value })}
          />
        )}
      </Field>
      <Field label="Start after, seconds" optional error={errors['delay_seconds']}>
        {(binding) => (
          <Input
            {...binding}
            inputMode="decimal"
            placeholder="at once"
            value={form.delay_seconds}
            onChange={(e) => set({ delay_seconds: e.target.value })}
          />
        )}
      </Field>
      <Field label="Not before" optional error={errors['start_at']} hint="In your own time zone">
        {(binding) => (
          <Input
            {...binding}
            type="datetime-local"
            value={form.start_at}
            onChange={(e) => set({ start_at: e.target.value })}
          />
        )}
      </Field>
      {Number(form.max_attempts) > 1 && (
        <>
          <Field label="Pause before a retry, seconds" optional error={errors['backoff_seconds']}>
            {(binding) => (
              <Input
                {...binding}
                inputMode="decimal"
                placeholder="the server's"
                value={form.backoff_seconds}
                onChange={(e) => set({ backoff_seconds: e.target.value })}
              />
            )}
          </Field>
          <Field label="Longer each time by" optional error={errors['backoff_factor']} hint="2 is twice as long">
            {(binding) => (
              <Input
                {...binding}
                inputMode="decimal"
                placeholder="2"
                value={form.backoff_factor}
                onChange={(e) => set({ backoff_factor: e.target.value })}
              />
            )}
          </Field>
        </>
      )}
    </div>
  )
}
