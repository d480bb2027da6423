import { Link } from '@tanstack/react-router'
import type { Schedule } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'

/** The pipeline or event that a schedule starts. */
export function StartsLink({ schedule, className }: { schedule: Schedule; className: string }) {
  const { pipeline, event } = schedule
  if (event !== null) {
    return (
      <Link to="/events/$event" params={{ event: event.id }} className={className}>
        {visibleText(event.name)}
      </Link>
    )
  }
  return (
    <Link to="/pipelines/$name" params={{ name: pipeline ?? '' }} className={className}>
      {visibleText(pipeline ?? '')}
    </Link>
  )
}
