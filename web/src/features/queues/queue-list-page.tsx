import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Queue } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'
import { queuesQuery } from '../jobs/queries.ts'
import { useMe, useSeesOnlyOwn } from '../session/session.ts'
import { QueueDialog } from './queue-dialog.tsx'
import { settingsOf } from './queue-form.ts'
import { QueueTable } from './queue-table.tsx'

const userQuery = (username: string) =>
  queryOptions({
    queryKey: ['user', username],
    queryFn: ({ signal }) => api.users.get({ username }, { signal }),
    enabled: username !== '',
    refetchInterval: 15_000,
  })

/** Queues with their limits, what waits in them and what is kept of them; and what is kept of oneself. */
export function QueueListPage() {
  const queues = useQuery({ ...queuesQuery, staleTime: 0, refetchInterval: 5_000 })
  const [editing, setEditing] = useState<Queue | 'new' | null>(null)
  const [pausing, setPausing] = useState<Queue | null>(null)
  const me = useMe()
  const admin = me?.role === 'admin'
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Queues" description={useSeesOnlyOwn() ? 'Numbers are of the jobs of all users.' : undefined}>
        {admin && (
          <Button kind="primary" onClick={() => setEditing('new')}>
            <Plus aria-hidden className="size-4" /> New queue
          </Button>
        )}
      </PageHead>
      {queues.isPending && <Loading rows={3} label="Loading queues" />}
      {queues.isError && <Failed error={queues.error} retry={() => void queues.refetch()} />}
      {queues.data && <QueueTable queues={queues.data} onEdit={admin ? setEditing : undefined} onPause={setPausing} />}
      <OwnSize username={me?.username ?? ''} />
      {editing && <QueueDialog queue={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
      {pausing && <PauseQueue queue={pausing} onClose={() => setPausing(null)} />}
    </div>
  )
}

function PauseQueue({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const client = useQueryClient()
  const pause = !queue.paused
  const save = useMutation({
    mutationFn: () => api.queues.put({ name: queue.name, ...settingsOf(queue), paused: pause }),
    onSuccess: () => toast('success', `Queue ${queue.name} ${pause ? 'is paused' : 'goes on'}`),
    onSettled: () => void client.invalidateQueries({ queryKey: queuesQuery.queryKey }),
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={pause ? `Pause queue ${queue.name}?` : `Let queue ${queue.name} go on?`}
      action={pause ? 'Pause' : 'Go on'}
      refuse="Leave it"
      danger={pause}
      onConfirm={() => save.mutateAsync()}
    >
      {pause
        ? 'Nothing of it starts until it goes on. What runs is not touched, and jobs can still be submitted.'
        : `What waits in it may start: ${queue.waiting.toLocaleString()} ${queue.waiting === 1 ? 'job' : 'jobs'}.`}
    </Confirm>
  )
}

const count = new Intl.NumberFormat()

function OwnSize({ username }: { username: string }) {
  const { data } = useQuery(userQuery(username))
  if (!data) return null
  const { kept_jobs, log_bytes, retain_count, retain_bytes } = data.usage
  return (
    <p className="text-sm text-muted">
      Your ended jobs that are kept: {count.format(kept_jobs)}
      {retain_count > 0 && ` of at most ${count.format(retain_count)}`}, {byteSize(log_bytes)} of logs
      {retain_bytes > 0 && ` of at most ${byteSize(retain_bytes)}`}.
    </p>
  )
}
