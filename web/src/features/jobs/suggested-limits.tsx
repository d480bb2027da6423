import { queryOptions, useQuery } from '@tanstack/react-query'
import { Button } from '../../components/button.tsx'
import { api, type Job, type SuggestedLimits } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { byteSize } from '../../lib/time.ts'
import { isEnded } from './states.ts'

/** It changes with each run, by little. */
const staleMs = 60_000

export const suggestedLimitsQuery = (of: { job: string } | { event: string }) =>
  queryOptions({
    queryKey: ['jobs', 'suggested-limits', of],
    queryFn: ({ signal }) => api.limits.suggest(of, { signal }),
    staleTime: staleMs,
  })

/** On the page of an ended job: only when its limits are far too high, or hardly enough. */
export function LimitHints({ job }: { job: Job }) {
  const counts = isEnded(job.state) && job.result?.usage != null
  const { data } = useQuery({ ...suggestedLimitsQuery({ job: job.id }), enabled: counts })
  const texts = [data?.memory?.text, data?.cpu?.text].filter((text) => text != null)
  if (texts.length === 0) return null
  return (
    <section aria-labelledby="limit-hints" className="rounded-lg border border-line bg-surface p-4">
      <h2 id="limit-hints" className="mb-2 text-sm font-semibold">
        Limits
      </h2>
      <ul className="flex flex-col gap-1.5 text-sm">
        {texts.map((text) => (
          <li key={text}>{sentence(text)}</li>
        ))}
      </ul>
      <p className="mt-2 text-sm text-muted">
        By the last {data!.attempts} attempts of {data!.of}
      </p>
    </section>
  )
}

interface UsedLatelyProps {
  event: string
  onTake: (limits: { memory_bytes?: number; cpu?: number }) => void
}

/** In the editor of an event that has run: what its runs used, and limits that would do. */
export function UsedLately({ event, onTake }: UsedLatelyProps) {
  const { data } = useQuery(suggestedLimitsQuery({ event }))
  if (!data || (data.memory === null && data.cpu === null)) return null
  const { memory, cpu } = data
  const suggested = words(memory?.suggested, cpu?.suggested)
  const take = () => onTake({ ...(memory && { memory_bytes: memory.suggested }), ...(cpu && { cpu: cpu.suggested }) })
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
      <span>{usedText(data)}</span>
      <Button size="small" onClick={take}>
        Take {suggested}
      </Button>
    </div>
  )
}

function usedText({ attempts, memory, cpu }: SuggestedLimits): string {
  const killed = memory && memory.oom_kills > 0 ? `; ${memory.oom_kills} were killed for memory` : ''
  return `95 % of its last ${attempts} attempts used ${words(memory?.p95, cpu?.p95)} at most${killed}`
}

/** `104 MiB and 0.5 cores`. */
const words = (memory: number | undefined, cpu: number | undefined): string =>
  [
    ...(memory === undefined ? [] : [byteSize(memory)]),
    ...(cpu === undefined ? [] : [`${Number(cpu.toFixed(2))} ${cpu === 1 ? 'core' : 'cores'}`]),
  ].join(' and ')
