import { Plus } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button } from '../../../components/button.tsx'
import type { PipelineDetail } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { ScheduleList } from '../../schedules/schedule-list.tsx'
import { useMe } from '../../session/session.ts'

const ScheduleDialog = lazyPart(() => import('../../schedules/schedule-dialog.tsx'))

/** When it starts by itself. */
export default function SchedulesTab({ pipeline }: { pipeline: PipelineDetail }) {
  const [adding, setAdding] = useState(false)
  const mayWrite = useMe()?.role !== 'viewer' && !pipeline.gone
  return (
    <div className="flex flex-col gap-3">
      {mayWrite && (
        <div className="flex">
          <Button onClick={() => setAdding(true)}>
            <Plus aria-hidden className="size-4" /> New schedule
          </Button>
        </div>
      )}
      <ScheduleList pipeline={pipeline.name} />
      <Suspense>
        {adding && <ScheduleDialog schedule={null} pipeline={pipeline.name} onClose={() => setAdding(false)} />}
      </Suspense>
    </div>
  )
}
