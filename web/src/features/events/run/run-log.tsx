import { useQuery } from '@tanstack/react-query'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { attemptsQuery, jobQuery } from '../../jobs/queries.ts'
import { useLiveJob } from '../../jobs/use-live-jobs.ts'
import type { LogPlace } from '../../logs/log-place.ts'
import { LogView } from '../../logs/log-view.tsx'

interface RunLogProps {
  jobId: string
  place: LogPlace
  onPlace: (change: LogPlace) => void
}

/** The log of a run's job. A file of its own: the log view is loaded where there is one. */
export default function RunLog({ jobId, place, onPlace }: RunLogProps) {
  const job = useQuery(jobQuery(jobId))
  const attempts = useQuery(attemptsQuery(jobId))
  useLiveJob(jobId)
  if (job.isPending) return <Loading rows={4} label="Loading the log" />
  if (!job.data) return <Failed error={job.error} retry={() => void job.refetch()} />
  return <LogView job={job.data} attempts={attempts.data ?? []} place={place} onPlace={onPlace} />
}
