import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Toggle } from '../../components/button.tsx'
import { Field, Select } from '../../components/field.tsx'
import { visibleText } from '../../lib/visible-text.ts'
import { eventNamesQuery } from '../events/queries.ts'
import { pipelineListQuery } from '../pipelines/queries.ts'
import type { FieldsProps } from './when-fields.tsx'

/** What a schedule starts: a pipeline or an event. */
export function TargetFields({ form, set, errorOf }: FieldsProps) {
  const ofPipeline = form.starts === 'pipeline'
  return (
    <>
      <div role="group" aria-label="What it starts" className="flex gap-1 sm:col-span-2">
        <Toggle pressed={ofPipeline} onClick={() => set({ starts: 'pipeline' })}>
          A pipeline
        </Toggle>
        <Toggle pressed={!ofPipeline} onClick={() => set({ starts: 'event' })}>
          An event
        </Toggle>
      </div>
      {ofPipeline ? (
        <PipelineField form={form} set={set} errorOf={errorOf} />
      ) : (
        <EventField form={form} set={set} errorOf={errorOf} />
      )}
    </>
  )
}

function PipelineField({ form, set, errorOf }: FieldsProps) {
  const list = useInfiniteQuery(pipelineListQuery({}))
  const names = list.data?.pages.flatMap((page) => page.pipelines.map(({ name }) => name)) ?? []
  return (
    <Field label="Pipeline" error={errorOf('pipeline')}>
      {(binding) => (
        <Select
          {...binding}
          value={form.pipeline}
          onChange={(event) => set({ pipeline: event.target.value, typed: {} })}
        >
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

function EventField({ form, set, errorOf }: FieldsProps) {
  const events = useQuery(eventNamesQuery).data ?? []
  const chosen = events.find(({ id }) => id === form.event)
  return (
    <Field
      label="Event"
      error={errorOf('event')}
      hint={chosen && chosen.status !== 'active' ? `It is ${chosen.status}: it starts once it is active` : undefined}
    >
      {(binding) => (
        <Select {...binding} value={form.event} onChange={(event) => set({ event: event.target.value })}>
          <option value="">Choose…</option>
          {events
            .filter((one) => one.may_change)
            .map(({ id, name }) => (
              <option key={id} value={id}>
                {visibleText(name)}
              </option>
            ))}
        </Select>
      )}
    </Field>
  )
}
