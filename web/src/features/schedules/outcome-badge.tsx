import { Badge, type BadgeTone } from '../../components/badge.tsx'
import type { ScheduleTick } from '../../lib/api.ts'

const looks: Record<ScheduleTick['outcome'], { tone: BadgeTone; word: string; meaning: string }> = {
  started: { tone: 'good', word: 'Started', meaning: 'It started a run' },
  skipped: { tone: 'plain', word: 'Skipped', meaning: 'An earlier run went on, or the schedule says to leave it out' },
  missed: { tone: 'warn', word: 'Missed', meaning: 'No server looked at it in time' },
  refused: { tone: 'bad', word: 'Refused', meaning: 'The pipeline took no run' },
}

/** What became of a time at which a run was due. */
export function OutcomeBadge({ outcome }: { outcome: ScheduleTick['outcome'] }) {
  const { tone, word, meaning } = looks[outcome]
  return (
    <Badge tone={tone} title={meaning}>
      {word}
    </Badge>
  )
}
