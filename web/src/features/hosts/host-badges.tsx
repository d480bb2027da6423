import { Badge } from '../../components/badge.tsx'
import type { Host } from '../../lib/api.ts'
import { breakerOf, breakerWords, stateWords, type Breaker, type HostState } from './words.ts'

export function StateBadge({ state }: { state: HostState }) {
  const { label, tone, meaning } = stateWords[state]
  return (
    <Badge tone={tone} title={meaning}>
      {label}
    </Badge>
  )
}

export function BreakerBadge({ breaker }: { breaker: Breaker }) {
  const { label, tone, meaning } = breakerWords[breaker]
  return (
    <Badge tone={tone} title={`Circuit breaker: ${meaning.toLowerCase()}`}>
      {label}
    </Badge>
  )
}

/** What all runners together have to it: the worst breaker, and how many connections. */
export function Connections({ host }: { host: Host }) {
  const breaker = breakerOf(host)
  if (breaker === null) return <span className="text-muted">None yet</span>
  const open = host.runners.reduce((sum, { connections }) => sum + connections, 0)
  return (
    <span className="inline-flex items-center gap-2">
      <BreakerBadge breaker={breaker} />
      {open > 0 && (
        <span className="text-muted tabular-nums">{open === 1 ? '1 connection' : `${open} connections`}</span>
      )}
    </span>
  )
}
