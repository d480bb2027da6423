import type { Job } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { ExecutorIcon } from './executor-icon.tsx'
import { executorWords, placeText } from './executors.ts'

/** By what it runs and where: `Container python:3.12`, `Hosts web1, web2`. */
export function ExecutorChip({ job }: { job: Job }) {
  const { label, meaning } = executorWords(job.executor)
  const place = placeText(job)
  const whole = job.hosts?.join(', ') ?? job.container?.image
  return (
    <span
      title={whole === undefined ? meaning : `${meaning}: ${visibleText(whole)}`}
      className="inline-flex h-6 max-w-full min-w-0 items-center gap-1.5 rounded-full border border-line px-2 text-xs font-medium whitespace-nowrap text-muted"
    >
      <ExecutorIcon executor={job.executor} plain className="size-3.5" />
      {label}
      {place !== null && <span className="truncate text-text">{visibleText(place)}</span>}
    </span>
  )
}
