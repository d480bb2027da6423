import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { api } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { CodeField } from '../../editor/code-field.tsx'
import { useEditor } from './editor-context.ts'
import { namesOf } from './sample.ts'
import { SampleField } from './sample-field.tsx'
import { useCalm } from './use-calm.ts'

interface ConditionFieldProps {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
  error?: string
  placeholder: string
}

/** A condition, and what it comes to with the sample while it is typed. */
export function ConditionField({ label, value, onChange, error, placeholder }: ConditionFieldProps) {
  const id = useId()
  const { sample } = useEditor()
  const [sampled, setSampled] = useState(false)
  const asked = useCalm({ condition: value ?? '', names: namesOf(sample) })
  const { data, error: failed } = useQuery({
    queryKey: ['conditions', 'try', asked],
    queryFn: ({ signal }) =>
      api.conditions.try({ condition: asked.condition, names: (asked.names ?? {}) as never }, { signal }),
    enabled: asked.condition.trim() !== '' && asked.names !== null,
    retry: false,
    staleTime: 60_000,
  })
  const fresh = asked.condition === (value ?? '') && value !== undefined
  const problem = error ?? (fresh ? (data?.problem ?? (failed ? problemOf(failed).message : undefined)) : undefined)
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span className="text-sm font-medium">
        {label}
        <span className="ml-1.5 font-normal text-muted">optional</span>
      </span>
      <CodeField
        label={label}
        language="node"
        gutter={false}
        invalid={problem !== undefined && problem !== null}
        describedBy={`${id}-note`}
        placeholder={placeholder}
        className="max-h-40 min-h-10"
        value={value ?? ''}
        onChange={(text) => onChange(text.trim() === '' ? undefined : text)}
      />
      <div
        id={`${id}-note`}
        aria-live="polite"
        className="flex min-h-6 flex-wrap items-center gap-2 text-xs text-muted"
      >
        {problem ? (
          <span className="text-sm text-failed">{sentence(problem)}</span>
        ) : fresh && data && data.value !== null ? (
          <>
            <Badge tone={data.value ? 'good' : 'plain'}>{String(data.value)}</Badge> with the sample
          </>
        ) : (
          'CEL over outcome, output, condition, input, event and vars; && and || join'
        )}
        <button
          type="button"
          aria-expanded={sampled}
          onClick={() => setSampled(!sampled)}
          className="rounded font-medium text-accent hover:underline"
        >
          {sampled ? 'Hide the sample' : 'Sample'}
        </button>
      </div>
      {sampled && <SampleField />}
    </div>
  )
}
