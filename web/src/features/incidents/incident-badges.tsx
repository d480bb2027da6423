import { Badge } from '../../components/badge.tsx'
import type { Incident } from '../../lib/api.ts'
import { kindWords, stateWords } from './words.ts'

export function IncidentState({ state }: Pick<Incident, 'state'>) {
  const { label, tone } = stateWords[state]
  return <Badge tone={tone}>{label}</Badge>
}

export function IncidentKind({ kind }: Pick<Incident, 'kind'>) {
  const { label, meaning } = kindWords[kind]
  return <Badge title={meaning}>{label}</Badge>
}
