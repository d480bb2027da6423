import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, buttonLook } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { api, type EventDetail } from '../../../lib/api.ts'

interface ConflictDialogProps {
  event: EventDetail
  onTakeTheirs: (now: EventDetail) => void
  onSaveOver: (now: EventDetail) => void
  onClose: () => void
}

/** Somebody saved another version meanwhile; which one shall be in force is for a person to say. Both are kept. */
export default function ConflictDialog({ event, onTakeTheirs, onSaveOver, onClose }: ConflictDialogProps) {
  const now = useQuery({
    queryKey: ['events', 'conflict', event.id],
    queryFn: async ({ signal }) => {
      const [detail, { versions }] = await Promise.all([
        api.events.get({ event: event.id }, { signal }),
        api.events.versions({ event: event.id }, { signal }),
      ])
      return { detail, newest: versions[0] }
    },
    staleTime: 0,
    gcTime: 0,
  })
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="It was changed meanwhile"
      description={`What you edit is version ${event.version}.`}
    >
      {now.isPending && <Loading rows={2} />}
      {now.isError && <Failed error={now.error} retry={() => void now.refetch()} />}
      {now.data && (
        <div className="flex flex-col gap-4">
          <p>
            {now.data.newest?.created_by ?? 'Somebody'} saved version {now.data.detail.version}
            {now.data.newest && (
              <>
                {' '}
                <RelativeTime at={now.data.newest.created_at} />
              </>
            )}
            {now.data.newest?.note && <>: “{now.data.newest.note}”</>}. Nothing is lost: every version stays and can be
            restored.
          </p>
          <div className="flex flex-wrap justify-end gap-2">
            <Link
              to="/events/$event"
              params={{ event: event.id }}
              search={{ tab: 'versions', from: event.version, to: now.data.detail.version }}
              target="_blank"
              className={buttonLook()}
            >
              See what changed
            </Link>
            <Button onClick={() => onTakeTheirs(now.data.detail)}>Take theirs</Button>
            <Button kind="primary" onClick={() => onSaveOver(now.data.detail)}>
              Save mine as version {now.data.detail.version + 1}
            </Button>
          </div>
        </div>
      )}
    </Dialog>
  )
}
