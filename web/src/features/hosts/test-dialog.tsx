import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Failed } from '../../components/page-state.tsx'
import { api, type Job } from '../../lib/api.ts'
import { isEnded } from '../jobs/states.ts'
import { WatchedJob } from '../jobs/watched-job.tsx'
import { factsLine } from './facts.ts'
import { hostQuery } from './queries.ts'

/** Runs a small job there as soon as it opens, and shows what becomes of it and what it found. */
export default function TestDialog({ host, onClose }: { host: string; onClose: () => void }) {
  const { mutate, data, isError, error, isPending } = useMutation({ mutationFn: () => api.hosts.test({ name: host }) })
  useEffect(() => mutate(), [mutate])
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Test of ${host}`}>
      <div className="flex flex-col gap-4">
        <div aria-live="polite" className="flex min-h-16 flex-col gap-2">
          {isError && <Failed error={error} />}
          {data ? (
            <WatchedJob key={data.job_id} id={data.job_id}>
              {(job) => isEnded(job.state) && <Found host={host} job={job} />}
            </WatchedJob>
          ) : (
            !isError && <p className="text-muted">Submitting a job…</p>
          )}
        </div>
        <div className="flex justify-end gap-2">
          <Button onClick={() => mutate()} busy={isPending}>
            Test again
          </Button>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

/** Read anew once the job has ended: it brings the facts. */
function Found({ host, job }: { host: string; job: Job }) {
  const client = useQueryClient()
  const { data } = useQuery(hostQuery(host))
  useEffect(() => void client.invalidateQueries({ queryKey: ['hosts'] }), [client, job.id, job.state])
  if (job.state !== 'succeeded' || !data?.facts) return null
  return (
    <p className="text-sm text-muted">{[data.facts.hostname, factsLine(data.facts)].filter(Boolean).join(' · ')}</p>
  )
}
