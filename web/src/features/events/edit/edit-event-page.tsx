import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { buttonLook } from '../../../components/button.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { isMissing } from '../../../lib/problem.ts'
import { NoSuchEvent } from '../page/no-such-event.tsx'
import { eventQuery } from '../queries.ts'
import { draftOf } from './draft.ts'
import { EventEditor } from './event-editor.tsx'

export function EditEventPage() {
  const { event: ref } = useParams({ from: '/_app/events/$event/edit' })
  const { tab = 'what', run } = useSearch({ from: '/_app/events/$event/edit' })
  const navigate = useNavigate({ from: '/events/$event/edit' })
  // Read once: what somebody else saves meanwhile is told when this one is saved.
  const event = useQuery({ ...eventQuery(ref), refetchInterval: false, refetchOnWindowFocus: false, staleTime: 2_000 })
  if (event.isPending) return <Loading label="Loading the event" />
  if (event.isError && isMissing(event.error)) return <NoSuchEvent name={ref} />
  if (!event.data) return <Failed error={event.error} retry={() => void event.refetch()} />
  if (!event.data.may_change) {
    return (
      <Empty page title="It is not yours to change">
        <p className="text-muted">It belongs to {event.data.owner}. A clone of it is yours.</p>
        <Link to="/events/$event" params={{ event: ref }} className={buttonLook()}>
          Back to the event
        </Link>
      </Empty>
    )
  }
  return (
    <EventEditor
      key={ref}
      event={event.data}
      first={draftOf(event.data)}
      tab={tab}
      onTab={(next) =>
        void navigate({ search: (old) => ({ ...old, tab: next === 'what' ? undefined : next }), resetScroll: false })
      }
      runId={run}
      onRun={(id) => void navigate({ search: (old) => ({ ...old, run: id }), replace: true, resetScroll: false })}
    />
  )
}
