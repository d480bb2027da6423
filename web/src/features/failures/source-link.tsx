import { Link } from '@tanstack/react-router'
import type { DeadLetter } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { visibleText } from '../../lib/visible-text.ts'

type Source = DeadLetter['source']

/** `id` of a pipeline's source is a run of it; without one it leads to the pipeline. */
export function SourceLink({ source: { kind, name, id }, className }: { source: Source; className?: string }) {
  const text = visibleText(name)
  const look = cn('rounded hover:underline', className)
  if (kind === 'event' && id !== null) {
    return (
      <Link to="/events/$event" params={{ event: id }} title={`Event ${text}`} className={look} dir="auto">
        {text}
      </Link>
    )
  }
  if (kind === 'pipeline' && id !== null) {
    return (
      <Link to="/runs/$id" params={{ id }} title={`Run of ${text}`} className={look} dir="auto">
        {text}
      </Link>
    )
  }
  if (kind === 'pipeline') {
    const pipeline = pipelineOf(name)
    return (
      <Link to="/pipelines/$name" params={{ name: pipeline }} title={`Pipeline ${text}`} className={look} dir="auto">
        {text}
      </Link>
    )
  }
  return (
    <Link
      to="/jobs"
      search={{ q: literalOf(name), status: 'failed' }}
      title={`Failed jobs: ${text}`}
      className={look}
      dir="auto"
    >
      {text}
    </Link>
  )
}

/** Of `shop / deploy`; the name of a pipeline may itself have a slash, that of a task not. */
export function pipelineOf(name: string): string {
  const at = name.lastIndexOf(' / ')
  return at < 0 ? name : name.slice(0, at)
}

/** Of `shard <n> of <n>` what all names of the group begin with. */
export const literalOf = (name: string): string | undefined => name.split('<', 1)[0]!.trim() || undefined

export const sourceKinds: Record<Source['kind'], string> = { event: 'Event', pipeline: 'Pipeline', job: 'Jobs' }
