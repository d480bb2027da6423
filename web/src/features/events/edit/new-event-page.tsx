import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { WritersOnly } from '../../session/writers-only.tsx'
import { emptyDraft } from './draft.ts'
import { EventEditor, tabSearch } from './event-editor.tsx'

export const NewEventPage = () => (
  <WritersOnly title="New event">
    <NewEvent />
  </WritersOnly>
)

function NewEvent() {
  const { tab = 'what', kind = 'bash' } = useSearch({ from: '/_app/events/new' })
  const navigate = useNavigate({ from: '/events/new' })
  const first = useMemo(() => emptyDraft(kind), [kind])
  const [run, setRun] = useState<string>()
  return (
    <EventEditor
      key={kind}
      event={null}
      first={first}
      tab={tab}
      onTab={(next) => void navigate({ search: { kind, ...tabSearch(next) }, resetScroll: false })}
      runId={run}
      onRun={(id, event) => {
        setRun(id)
        // A test saved it as a draft: from now on it has an address.
        if (event) {
          void navigate({
            to: '/events/$event/edit',
            params: { event: event.id },
            search: { ...tabSearch(tab), run: id },
            replace: true,
          })
        }
      }}
    />
  )
}
