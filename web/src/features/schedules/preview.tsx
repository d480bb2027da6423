import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { RelativeTime } from '../../components/relative-time.tsx'
import { problemOf } from '../../lib/problem.ts'
import { previewQuery } from './queries.ts'
import type { Timing } from './schedule-form.ts'

/** Asked this long after the last key. */
const calmMs = 250

/** The next ten times of what is being typed, or what is wrong with it. */
export function Preview({ timing }: { timing: Timing | null }) {
  const [asked, setAsked] = useState(timing)
  const text = JSON.stringify(timing)
  useEffect(() => {
    const timer = setTimeout(() => setAsked(JSON.parse(text) as Timing | null), calmMs)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <section aria-label="Next times" aria-live="polite" className="rounded-md border border-line bg-sunken p-3">
      <h3 className="mb-1.5 text-sm font-medium">Next times</h3>
      {asked ? <Times timing={asked} /> : <p className="text-sm text-muted">Say when, and they stand here.</p>}
    </section>
  )
}

function Times({ timing }: { timing: Timing }) {
  const { data, error } = useQuery(previewQuery(timing))
  if (error) return <p className="text-sm text-failed">{problemOf(error).message}</p>
  if (!data) return <p className="text-sm text-muted">…</p>
  if (data.times.length === 0) return <p className="text-sm text-muted">It never comes.</p>
  return (
    <ol className="grid gap-x-6 gap-y-0.5 text-sm tabular-nums sm:grid-flow-col sm:grid-cols-2 sm:grid-rows-5">
      {data.times.map(({ at, local }) => (
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
