import { Badge } from '../../components/badge.tsx'
import { StateChip } from '../jobs/state-chip.tsx'
import type { DeliveryState } from './filters.ts'

export function DeliveryChip({ state }: { state: DeliveryState }) {
  if (state === 'succeeded') return <Badge tone="good">Sent</Badge>
  if (state !== 'not_sent') return <StateChip state={state} />
  return (
    <Badge tone="warn" title="No job was made for it">
      Not sent
    </Badge>
  )
}
