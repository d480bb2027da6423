import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { RelativeTime } from '../../components/relative-time.tsx'
import { problemOf, type FieldProblem } from '../../lib/problem.ts'
import { previewQuery } from './queries.ts'
import type { Timing } from './schedule-form.ts'

/** Asked this long after the last key. */
const calmMs = 250

interface Previewed {
  /** Null: nothing is asked yet. */
  asked: Timing | null
  times: { at: string; local: string }[] | undefined
  /** What is wrong, at its fields. */
  fields: FieldProblem[]
  message: string | undefined
}

/** Asks for the next ten times of what is being typed. */
export function usePreview(timing: Timing | null): Previewed {
  const [asked, setAsked] = useState(timing)
  const text = JSON.stringify(timing)
  useEffect(() => {
    const timer = setTimeout(() => setAsked(JSON.parse(text) as Timing | null), calmMs)
    return () => clearTimeout(timer)
  }, [text])
  const { data, error } = useQuery({ ...previewQuery(asked ?? { zone: 'UTC' }), enabled: asked !== null })
  const problem = asked && error ? problemOf(error) : undefined
  // While it is corrected, nothing is said about what stood there before.
  const fields = text === JSON.stringify(asked) ? (problem?.fields ?? []) : []
  return { asked, times: data?.times, fields, message: problem?.message }
}

const names: Record<string, string> = { cron: 'cron expression', zone: 'time zone', every_seconds: 'interval' }

/** The times, or that something is wrong. */
export function Preview({ preview: { asked, times, fields, message } }: { preview: Previewed }) {
  return (
    <section aria-label="Next times" aria-live="polite" className="rounded-md border border-line bg-sunken p-3">
      <h3 className="mb-1.5 text-sm font-medium">Next times</h3>
      {asked ? (
        <Times times={times} fields={fields} message={message} />
      ) : (
        <p className="text-sm text-muted">Say when, and they stand here.</p>
      )}
    </section>
  )
}

function Times({ times, fields, message }: Pick<Previewed, 'times' | 'fields' | 'message'>) {
  const wrong = fields.map(({ field }) => names[field]).filter(Boolean)
  if (wrong.length > 0) {
    return <p className="text-sm text-muted">Correct the {wrong.join(' and the ')} above, and they stand here.</p>
  }
  if (message) return <p className="text-sm text-failed">{message}</p>
  if (!times) return <p className="text-sm text-muted">…</p>
  if (times.length === 0) return <p className="text-sm text-muted">It never comes.</p>
  return (
    <ol className="grid gap-x-6 gap-y-0.5 text-sm tabular-nums sm:grid-flow-col sm:grid-cols-2 sm:grid-rows-5">
      {times.map(({ at, local }) => (
        <li key={at} className="flex justify-between gap-2">
          <span>{local}</span>
          <span className="text-xs text-muted">
            <RelativeTime at={at} />
          </span>
        </li>
      ))}
    </ol>
  )
}
