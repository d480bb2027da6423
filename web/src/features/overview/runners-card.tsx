import { useQuery } from '@tanstack/react-query'
import { Card } from '../../components/card.tsx'
import { Meter } from '../../components/meter.tsx'
import { Failed } from '../../components/page-state.tsx'
import { runnersQuery } from '../runners/queries.ts'
import { RunnerState } from '../runners/runner-state.tsx'
import { MoreLink } from './more-link.tsx'

const shown = 6

/** Slots in use, of all runners and of each. */
export function RunnersCard() {
  const { data, isError, error } = useQuery(runnersQuery)
  const online = data?.filter(({ state }) => state !== 'offline') ?? []
  const slots = online.reduce((n, runner) => n + runner.slots, 0)
  const used = online.reduce((n, runner) => n + runner.slots_used, 0)
  return (
    <Card title="Slots in use" action={<MoreLink to="/runners">Runners</MoreLink>}>
      {isError && !data && <Failed error={error} />}
      {data && (
        <>
          <p className="flex items-baseline gap-2">
            <span className="text-3xl leading-9 font-semibold tabular-nums">{used}</span>
            <span className="text-muted">
              of {slots} on {online.length} {online.length === 1 ? 'runner' : 'runners'}
            </span>
          </p>
          {data.length === 0 && <p className="text-sm text-muted">No runner has come yet: nothing can start.</p>}
          <ul className="flex flex-col gap-2">
            {data.slice(0, shown).map((runner) => (
              <li key={runner.id} className="flex flex-wrap items-center justify-between gap-x-3">
                <span className="flex min-w-0 items-center gap-2 text-sm">
                  <RunnerState state={runner.state} /> <span className="truncate">{runner.name}</span>
                </span>
                <Meter label={`Slots of ${runner.name}`} value={runner.slots_used} max={runner.slots} />
              </li>
            ))}
          </ul>
          {data.length > shown && <p className="text-xs text-muted">and {data.length - shown} more</p>}
        </>
      )}
    </Card>
  )
}
