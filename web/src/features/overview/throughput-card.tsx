import { useQuery } from '@tanstack/react-query'
import { Card } from '../../components/card.tsx'
import { Failed } from '../../components/page-state.tsx'
import { TimeChart, type ChartSeries } from '../../components/time-chart.tsx'
import { useSeesOnlyOwn } from '../session/session.ts'
import { throughputQuery } from './queries.ts'

const series: ChartSeries[] = [
  { key: 'passed', label: 'Passed', fill: 'fill-passed-fill', mark: 'bg-passed-fill' },
  { key: 'failed', label: 'Failed', fill: 'fill-failed-fill', mark: 'bg-failed-fill' },
  { key: 'cancelled', label: 'Cancelled', fill: 'fill-cancelled-fill', mark: 'bg-cancelled-fill' },
]

/** Jobs that ended, minute by minute, through the last hour. */
export function ThroughputCard() {
  const { data, isError, error, refetch } = useQuery(throughputQuery(60))
  const own = useSeesOnlyOwn()
  const points = data?.map(({ at, ...values }) => ({ at, values })) ?? []
  return (
    <Card
      title={own ? 'Your jobs that ended in the last hour, by the minute' : 'Ended in the last hour, by the minute'}
    >
      {isError && !data ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <TimeChart label="Jobs that ended in the last hour" series={series} points={points} />
      )}
    </Card>
  )
}
