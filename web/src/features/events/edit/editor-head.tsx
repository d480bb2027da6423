import { Link } from '@tanstack/react-router'
import { Save } from 'lucide-react'
import { Button } from '../../../components/button.tsx'
import { Input } from '../../../components/field.tsx'
import type { EventDetail, EventStatus } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { StatusBadge } from '../status-badge.tsx'

interface EditorHeadProps {
  /** Null: it is not made yet. */
  event: EventDetail | null
  name: string
  onName: (name: string) => void
  /** It has no name, and somebody tried to save it. */
  nameless: boolean
  /** Why nothing can be saved. */
  blocked: string | undefined
  dirty: boolean
  busy: boolean
  onSave: () => void
  onActivate: () => void
  onCreate: (status: EventStatus) => void
}

/** Its name, where one is, and the ways to keep what was typed. */
export function EditorHead({
  event,
  name,
  onName,
  nameless,
  blocked,
  dirty,
  busy,
  onSave,
  onActivate,
  onCreate,
}: EditorHeadProps) {
  return (
    <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-72">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/events" className="rounded hover:text-text">
            Events
          </Link>
          <span aria-hidden>/</span>
          {event ? (
            <>
              <Link
                to="/events/$event"
                params={{ event: event.id }}
                className="min-w-0 truncate rounded hover:text-text"
              >
                {visibleText(event.name)}
              </Link>
              <span aria-hidden>/</span>
              <span>edit</span>
            </>
          ) : (
            <span>new</span>
          )}
        </nav>
        <div className="mt-0.5 flex items-center gap-2.5">
          <h1 className="sr-only">{event ? `Edit ${event.name}` : 'New event'}</h1>
          <Input
            id="event-name"
            aria-label="Name"
            aria-invalid={nameless || undefined}
            wide={false}
            className="w-full max-w-md text-lg font-semibold"
            autoComplete="off"
            placeholder="Name of the event"
            autoFocus={!event}
            value={name}
            onChange={(input) => onName(input.target.value)}
          />
          {event && <StatusBadge status={event.status} />}
        </div>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <span role="status" className="text-sm text-muted">
          {blocked ?? (dirty ? 'Not saved' : event ? `Version ${event.version}` : '')}
        </span>
        {event ? (
          <>
            {(event.status === 'draft' || event.status === 'paused') && !dirty && (
              <Button busy={busy} onClick={onActivate}>
                {event.status === 'draft' ? 'Activate' : 'Resume'}
              </Button>
            )}
            <Button kind="primary" busy={busy || !dirty || blocked !== undefined} onClick={onSave}>
              <Save aria-hidden className="size-4" /> Save
            </Button>
          </>
        ) : (
          <>
            <Button busy={busy || name.trim() === ''} onClick={() => onCreate('draft')}>
              Save as a draft
            </Button>
            <Button kind="primary" busy={busy || name.trim() === ''} onClick={() => onCreate('active')}>
              Save and activate
            </Button>
          </>
        )}
      </div>
    </div>
  )
}
