import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Suspense, useMemo, useState } from 'react'
import { Confirm } from '../../components/confirm.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Schedule } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { schedulesQuery } from './queries.ts'
import { ScheduleTable } from './schedule-table.tsx'

const DetailsDialog = lazyPart(() => import('./details-dialog.tsx'))
const ScheduleDialog = lazyPart(() => import('./schedule-dialog.tsx'))

type Asking = { act: 'pause' | 'delete' | 'edit' | 'details'; schedule: Schedule } | null

/** When pipelines start by themselves: all schedules, or those of one pipeline. */
export function ScheduleList({ pipeline }: { pipeline?: string }) {
  const list = useInfiniteQuery(schedulesQuery(pipeline))
  const schedules = useMemo(() => list.data?.pages.flatMap((page) => page.schedules) ?? [], [list.data])
  const [asking, setAsking] = useState<Asking>(null)
  const close = () => setAsking(null)
  if (list.isPending) return <Loading rows={3} label="Loading schedules" />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  if (schedules.length === 0) return <None />
  const ask = (act: NonNullable<Asking>['act']) => (schedule: Schedule) => setAsking({ act, schedule })
  return (
    <>
      <ScheduleTable
        schedules={schedules}
        withPipeline={pipeline === undefined}
        onPause={ask('pause')}
        onEdit={ask('edit')}
        onDelete={ask('delete')}
        onDetails={ask('details')}
      />
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more schedules"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      <Suspense>
        {asking?.act === 'edit' && <ScheduleDialog schedule={asking.schedule} onClose={close} />}
        {asking?.act === 'details' && <DetailsDialog schedule={asking.schedule} onClose={close} />}
      </Suspense>
      {asking?.act === 'pause' && <Pause schedule={asking.schedule} onClose={close} />}
      {asking?.act === 'delete' && <Remove schedule={asking.schedule} onClose={close} />}
    </>
  )
}

function None() {
  return (
    <Empty title="No schedules">
      <p className="text-muted">
        A schedule starts a pipeline by itself. Make one here, or write it into{' '}
        <code className="font-mono text-sm">pipelines.yml</code>:
      </p>
      <CopyLine className="w-full" what="line" text="schedule: {cron: '0 3 * * *', zone: Europe/Berlin}" />
    </Empty>
  )
}

interface ActProps {
  schedule: Schedule
  onClose: () => void
}

const useRefresh = () => {
  const client = useQueryClient()
  return () => {
    void client.invalidateQueries({ queryKey: ['schedules'] })
    void client.invalidateQueries({ queryKey: ['pipelines'] })
  }
}

function Pause({ schedule, onClose }: ActProps) {
  const refresh = useRefresh()
  const { id, enabled } = schedule
  const name = visibleText(schedule.name)
  const change = useMutation({
    mutationFn: () => api.schedules.change({ id, enabled: !enabled }),
    onSuccess: () => toast('success', enabled ? `${name} is paused` : `${name} goes on`),
    onSettled: refresh,
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={enabled ? `Pause ${name}?` : `Let ${name} go on?`}
      action={enabled ? 'Pause' : 'Go on'}
      refuse="Cancel"
      danger={enabled}
      onConfirm={() => change.mutateAsync()}
    >
      {enabled
        ? 'It starts nothing until it goes on. Runs that it has started are not touched.'
        : 'It starts its pipeline again from its next time on.'}
    </Confirm>
  )
}

function Remove({ schedule, onClose }: ActProps) {
  const refresh = useRefresh()
  const name = visibleText(schedule.name)
  const remove = useMutation({
    mutationFn: () => api.schedules.delete({ id: schedule.id }),
    onSuccess: () => toast('success', `${name} is deleted`),
    onSettled: refresh,
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete ${name}?`}
      action="Delete"
      refuse="Cancel"
      danger
      onConfirm={() => remove.mutateAsync()}
    >
      It starts nothing any more. Runs that it has started stay.
    </Confirm>
  )
}
