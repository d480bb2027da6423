import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Select } from '../../components/field.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import type { EventSummary, Webhook } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { eventNamesQuery } from '../events/queries.ts'
import NewWebhookDialog from '../events/webhooks/new-webhook-dialog.tsx'

interface NewDialogProps {
  onMade: (webhook: Webhook & { secret: string }) => void
  onClose: () => void
}

/** First the event, then what is asked for in the event's own page. */
export default function NewDialog({ onMade, onClose }: NewDialogProps) {
  const events = useQuery({ ...eventNamesQuery, staleTime: 0 })
  const [id, setId] = useState('')
  const [chosen, setChosen] = useState<EventSummary | null>(null)
  if (chosen) return <NewWebhookDialog event={chosen} onMade={onMade} onClose={onClose} />
  const mine = events.data?.filter((event) => event.may_change && event.status !== 'archived') ?? []
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="New webhook">
      {events.isPending && <Loading rows={2} label="Loading events" />}
      {events.isError && <Failed error={events.error} retry={() => void events.refetch()} />}
      {events.data && mine.length === 0 && (
        <p className="text-muted">
          A webhook starts an event, and there is none that you may change.{' '}
          <Link to="/events/new" className="text-accent underline underline-offset-2" onClick={onClose}>
            Make one
          </Link>{' '}
          first.
        </p>
      )}
      {mine.length > 0 && (
        <form
          className="flex flex-col gap-4"
          onSubmit={(submit) => {
            submit.preventDefault()
            setChosen(mine.find((event) => event.id === id) ?? null)
          }}
        >
          <Field label="Event that it starts" hint="While it is a draft or paused, it takes none.">
            {(binding) => (
              <Select {...binding} value={id} onChange={(change) => setId(change.target.value)}>
                <option value="">Choose…</option>
                {mine.map((event) => (
                  <option key={event.id} value={event.id}>
                    {visibleText(event.name)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Discard</Button>
            <Button kind="primary" type="submit" busy={id === ''}>
              Next
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
