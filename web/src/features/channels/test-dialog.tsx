import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Failed } from '../../components/page-state.tsx'
import { api } from '../../lib/api.ts'
import { WatchedJob } from '../jobs/watched-job.tsx'

/** Sends a test message as soon as it opens, and shows what becomes of it. */
export default function TestDialog({ channel, onClose }: { channel: string; onClose: () => void }) {
  const client = useQueryClient()
  const { mutate, data, isError, error, isPending } = useMutation({
    mutationFn: () => api.channels.test({ name: channel }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['channels'] }),
  })
  useEffect(() => mutate(), [mutate])
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Test of ${channel}`}>
      <div className="flex flex-col gap-4">
        <div aria-live="polite" className="flex min-h-16 flex-col gap-2">
          {isError && <Failed error={error} />}
          {data ? (
            <WatchedJob id={data.job_id}>
              {(job) =>
                job.state === 'scheduled' && (
                  <p className="text-sm text-muted">It is tried {job.max_attempts} times, for half an hour.</p>
                )
              }
            </WatchedJob>
          ) : (
            !isError && <p className="text-muted">Sending…</p>
          )}
        </div>
        <div className="flex justify-end gap-2">
          <Button onClick={() => mutate()} busy={isPending}>
            Send again
          </Button>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
