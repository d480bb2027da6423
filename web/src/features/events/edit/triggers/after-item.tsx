import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { AfterTrigger } from '../../../../lib/api.ts'
import { pipelineListQuery } from '../../../pipelines/queries.ts'
import { eventNamesQuery } from '../../queries.ts'
import { useEditor } from '../editor-context.ts'
import { CheckField, ChoiceField, TextField } from '../../../../components/value-fields.tsx'

const sources = { event: 'Another event', pipeline: 'A pipeline', job: 'A job' }
type Source = keyof typeof sources
const ends = { succeeded: 'succeeds', failed: 'fails', cancelled: 'is cancelled' } as const
type End = keyof typeof ends

interface AfterItemProps {
  after: Partial<AfterTrigger>
  at: string
  onChange: (after: Partial<AfterTrigger>) => void
}

export const sourceOf = (after: Partial<AfterTrigger>): Source =>
  after.pipeline !== undefined ? 'pipeline' : after.job !== undefined ? 'job' : 'event'

/** Of what, and on which end. */
export function AfterItem({ after, at, onChange }: AfterItemProps) {
  const { errorOf } = useEditor()
  const source = sourceOf(after)
  const on = after.on ?? ['succeeded']
  const events = useQuery(eventNamesQuery)
  const pipelines = useInfiniteQuery(pipelineListQuery({}))
  const names =
    source === 'event'
      ? (events.data ?? []).map(({ name }) => name)
      : (pipelines.data?.pages.flatMap((page) => page.pipelines.map(({ name }) => name)) ?? [])
  const value = after[source] ?? ''
  const error = errorOf(`${at}.${source}`) ?? errorOf(at)
  const toggle = (end: End, wanted: boolean) => {
    const next = (Object.keys(ends) as End[]).filter((one) => (one === end ? wanted : on.includes(one)))
    if (next.length > 0) onChange({ ...after, on: next })
  }
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <ChoiceField
          label="End of"
          options={sources}
          value={source}
          onChange={(next: Source) => onChange({ [next]: '', on })}
        />
        {source === 'job' ? (
          <TextField
            label="Name of the job"
            hint="Of jobs of the event's owner"
            error={error}
            value={value}
            onChange={(job) => onChange({ job, on })}
          />
        ) : (
          <ChoiceField
            label={source === 'event' ? 'Event' : 'Pipeline'}
            error={error}
            options={{
              '': 'Choose…',
              ...Object.fromEntries([...names, ...(value === '' ? [] : [value])].map((name) => [name, name])),
            }}
            value={value}
            onChange={(name) => onChange({ [source]: name, on })}
          />
        )}
      </div>
      <div role="group" aria-label="When it" className="flex flex-wrap items-center gap-x-5 gap-y-2">
        <span className="text-sm text-muted">When it</span>
        {(Object.keys(ends) as End[]).map((end) => (
          <CheckField key={end} label={ends[end]} value={on.includes(end)} onChange={(wanted) => toggle(end, wanted)} />
        ))}
      </div>
      <p className="text-xs text-muted">Its output becomes the input of this event.</p>
    </>
  )
}
