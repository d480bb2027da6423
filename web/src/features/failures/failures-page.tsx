import { useNavigate, useSearch } from '@tanstack/react-router'
import { Settings2 } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { lazyPart } from '../../lib/lazy-part.ts'
import { LetterList } from '../dead-letters/letter-list.tsx'
import { IncidentList } from '../incidents/incident-list.tsx'
import { GroupList } from './group-list.tsx'
import type { FailureView } from './place.ts'

const RulesDialog = lazyPart(() => import('../incidents/rules-dialog.tsx'))

const meanings: Record<FailureView, string> = {
  letters: 'Jobs that spent their attempts. Do them again, or say that they do not matter.',
  groups: 'Failures that are alike: one source, one kind of end, one error without what differs from time to time.',
  incidents: 'What opened by itself because something fails in a new way, again and again, or comes late.',
}

/** What went wrong, in three views: one by one, those that are alike, and what somebody has to look at. */
export function FailuresPage() {
  const { view = 'letters', event, q } = useSearch({ from: '/_app/failures' })
  const navigate = useNavigate({ from: '/failures' })
  const [ruling, setRuling] = useState(false)
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Failures" description={meanings[view]}>
        {view === 'incidents' && (
          <Button onClick={() => setRuling(true)}>
            <Settings2 aria-hidden className="size-4" /> Rules
          </Button>
        )}
      </PageHead>
      <Tabs<FailureView>
        label="Failures"
        tabs={[
          { key: 'letters', label: 'Dead letters' },
          { key: 'groups', label: 'Groups' },
          { key: 'incidents', label: 'Incidents' },
        ]}
        value={view}
        // What all views know is kept.
        onChange={(next) => void navigate({ search: { view: next === 'letters' ? undefined : next, event, q } })}
      >
        {view === 'letters' && <LetterList />}
        {view === 'groups' && <GroupList />}
        {view === 'incidents' && <IncidentList />}
      </Tabs>
      <Suspense>{ruling && <RulesDialog onClose={() => setRuling(false)} />}</Suspense>
    </div>
  )
}
