import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { useState } from 'react'
import { buttonLook, IconButton } from '../../components/button.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { OutcomeNote } from '../jobs/outcome-note.tsx'
import { attemptsQuery, jobQuery } from '../jobs/queries.ts'
import { StateChip } from '../jobs/state-chip.tsx'
import type { LogPlace } from '../logs/log-place.ts'
import { LogView } from '../logs/log-view.tsx'

interface LogDrawerProps {
  id: string
  /** The list that it was opened from, to go on to its neighbours. */
  ids: readonly string[]
  onGo: (id: string) => void
  onClose: () => void
}

/** The log of one member beside the list that it is in. */
export function LogDrawer({ id, ids, onGo, onClose }: LogDrawerProps) {
  const job = useQuery(jobQuery(id))
  const at = ids.indexOf(id)
  const go = (step: number) => {
    const next = ids[at + step]
    if (next) onGo(next)
  }
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-shade" />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 right-0 z-50 flex w-[min(72rem,100vw)] flex-col gap-3 overflow-y-auto border-l border-line bg-page p-3 shadow-xl sm:w-[min(72rem,94vw)] sm:p-4"
        >
          <div className="flex items-start gap-2">
            <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
              <Radix.Title className="min-w-0 truncate text-lg font-semibold" dir="auto">
                {job.data?.name ?? 'Log'}
              </Radix.Title>
              {job.data && <StateChip state={job.data.state} />}
            </div>
            <IconButton label="Member before" disabled={at <= 0} onClick={() => go(-1)}>
              <ArrowUp aria-hidden className="size-4" />
            </IconButton>
            <IconButton label="Next member" disabled={at < 0 || at >= ids.length - 1} onClick={() => go(1)}>
              <ArrowDown aria-hidden className="size-4" />
            </IconButton>
            <Link to="/jobs/$id" params={{ id }} className={buttonLook('plain', 'normal')}>
              Open the job
            </Link>
            <Radix.Close asChild>
              <IconButton label="Close">
                <X aria-hidden className="size-4" />
              </IconButton>
            </Radix.Close>
          </div>
          {job.isPending && <Loading label="Loading the job" />}
          {job.isError && <Failed error={job.error} retry={() => void job.refetch()} />}
          {job.data && <DrawerLog key={id} id={id} />}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

function DrawerLog({ id }: { id: string }) {
  const job = useQuery(jobQuery(id)).data
  const attempts = useQuery(attemptsQuery(id)).data ?? []
  const [place, setPlace] = useState<LogPlace>({})
  if (!job) return null
  return (
    <>
      <OutcomeNote job={job} />
      <div className="flex min-h-0 flex-1 flex-col *:flex-1">
        <LogView
          job={job}
          attempts={attempts}
          place={place}
          onPlace={(change) => setPlace((old) => ({ ...old, ...change }))}
        />
      </div>
    </>
  )
}
