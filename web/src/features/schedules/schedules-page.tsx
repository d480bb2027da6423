import { Plus } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useMe } from '../session/session.ts'
import { ScheduleList } from './schedule-list.tsx'

const ScheduleDialog = lazyPart(() => import('./schedule-dialog.tsx'))

export function SchedulesPage() {
  const [adding, setAdding] = useState(false)
  const mayWrite = useMe()?.role !== 'viewer'
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Schedules">
        {mayWrite && (
          <Button kind="primary" onClick={() => setAdding(true)}>
            <Plus aria-hidden className="size-4" /> New schedule
          </Button>
        )}
      </PageHead>
      <ScheduleList />
      <Suspense>{adding && <ScheduleDialog schedule={null} onClose={() => setAdding(false)} />}</Suspense>
    </div>
  )
}
