import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { useId, useState } from 'react'
import { buttonLook, IconButton } from '../../components/button.tsx'
import { Modal } from '../../components/modal.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { OutcomeNote } from '../jobs/outcome-note.tsx'
import { attemptsQuery, jobQuery } from '../jobs/queries.ts'
import { StateChip } from '../jobs/state-chip.tsx'
import { useLiveJob } from '../jobs/use-live-jobs.ts'
import type { LogPlace } from '../logs/log-place.ts'
import { LogView } from '../logs/log-view.tsx'
import { visibleText } from '../../lib/visible-text.ts'

interface LogDrawerProps {
  id: string
  /** The list that it was opened from, to go on to its neighbours. */
  ids: readonly string[]
  onGo: (id: string) => void
  onClose: () => void
}

/** The log of one member beside the list that it is in. A file of its own: most who look at a list open no log. */
export default function LogDrawer({ id, ids, onGo, onClose }: LogDrawerProps) {
  const job = useQuery(jobQuery(id))
  const titleId = useId()
  useLiveJob(id)
  const at = ids.indexOf(id)
  const go = (step: number) => {
    const next = ids[at + step]
    if (next) onGo(next)
  }
  return (
    <Modal
      role="dialog"
      place="right"
      titleId={titleId}
      onClose={onClose}
      className="w-[min(72rem,100vw)] sm:w-[min(72rem,94vw)]"
    >
      <div className="flex items-start gap-2">
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
          <h2 id={titleId} className="min-w-0 truncate text-lg font-semibold" dir="auto">
            {visibleText(job.data?.name ?? 'Log')}
          </h2>
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
        <IconButton label="Close" data-autofocus onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      {job.isPending && <Loading label="Loading the job" />}
      {job.isError && <Failed error={job.error} retry={() => void job.refetch()} />}
      {job.data && <DrawerLog key={id} id={id} />}
    </Modal>
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
