import type { ReactNode } from 'react'
import type { Batch } from '../../lib/api.ts'
import { exactTime } from '../../lib/time.ts'
import { BatchLink } from './batch-head.tsx'

export function BatchDetails({ batch }: { batch: Batch }) {
  return (
    <dl className="grid max-w-3xl grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-1.5 rounded-lg border border-line bg-surface p-4">
      <Fact name="Owner">{batch.owner}</Fact>
      <Fact name="Created">{exactTime(batch.created_at)}</Fact>
      <Fact name="First job began">{batch.started_at ? exactTime(batch.started_at) : 'not yet'}</Fact>
      <Fact name="Ended">{batch.ended_at ? exactTime(batch.ended_at) : 'not yet'}</Fact>
      {batch.forced && <Fact name="Completed">by force, before its jobs had ended</Fact>}
      {batch.template && <Fact name="Template">{batch.template}</Fact>}
      {batch.rerun_of && (
        <Fact name="Runs again">
          <BatchLink id={batch.rerun_of} />
        </Fact>
      )}
      <Fact name="Notices">
        {batch.notify.length === 0
          ? 'nobody is told of its end'
          : batch.notify.map(({ channel, on }) => `${channel} (${on.join(', ')})`).join('; ')}
      </Fact>
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  )
}
