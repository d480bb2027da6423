import type { BadgeTone } from '../../components/badge.tsx'
import type { Incident } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'

export const kindWords: Record<Incident['kind'], { label: string; meaning: string }> = {
  new: { label: 'New failure', meaning: 'It failed as it never did before' },
  repeated: { label: 'Repeated', meaning: 'The same failure came again and again' },
  flapping: { label: 'Flapping', meaning: 'It turns between success and failure' },
  late: { label: 'Late', meaning: 'A scheduled run did not begin in time' },
}

export const stateWords: Record<Incident['state'], { label: string; tone: BadgeTone }> = {
  open: { label: 'Open', tone: 'bad' },
  acknowledged: { label: 'Looked into', tone: 'warn' },
  closed: { label: 'Closed', tone: 'good' },
}

/** How long it lasts or lasted, ms. */
export const lasted = ({ opened_at, closed_at }: Incident, now: number): number =>
  Math.max(0, (closed_at === null ? now : Date.parse(closed_at)) - Date.parse(opened_at))

/** `Import fails as never before: …`: what it is of, and what is wrong with it. */
export const titleOf = ({ kind, source, title }: Incident): string =>
  visibleText(kind === 'late' ? `${source.name}: ${title}` : `${source.name} ${title}`)
