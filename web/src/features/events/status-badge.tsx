import { Badge, type BadgeTone } from '../../components/badge.tsx'
import type { EventStatus } from '../../lib/api.ts'
import { statusLabels, statusMeanings } from './words.ts'

const tones: Record<EventStatus, BadgeTone> = { active: 'good', paused: 'warn', draft: 'plain', archived: 'plain' }

export function StatusBadge({ status }: { status: EventStatus }) {
  return (
    <Badge tone={tones[status]} title={statusMeanings[status]}>
      {statusLabels[status]}
    </Badge>
  )
}
