import { useMutation } from '@tanstack/react-query'
import { Archive, Pause, Play, X } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type EventStatus, type EventSummary } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { useFocusAfter } from '../../../lib/use-focus-after.ts'
import { useEventActs } from '../use-event-acts.ts'

type To = Extract<EventStatus, 'active' | 'paused' | 'archived'>

const acts: Record<To, { button: string; meaning: string; from: EventStatus[]; Icon: typeof Play }> = {
  paused: {
    button: 'Pause',
    meaning: 'No trigger starts them until they go on. Runs that go on are not touched.',
    from: ['active'],
    Icon: Pause,
  },
  active: {
    button: 'Activate',
    meaning: 'Their triggers start them from now on.',
    from: ['draft', 'paused', 'archived'],
    Icon: Play,
  },
  archived: {
    button: 'Archive',
    meaning: 'Nothing starts them any more, and lists leave them out. Their runs stay.',
    from: ['draft', 'active', 'paused'],
    Icon: Archive,
  },
}

/** What can be done with the chosen events, each by itself: one that is refused keeps no other from it. */
export function EventBulkBar({ events, onClear }: { events: readonly EventSummary[]; onClear: () => void }) {
  useFocusAfter('[data-row-link]')
  const [asking, setAsking] = useState<To | null>(null)
  const { renew } = useEventActs()
  const meant = (to: To) => events.filter(({ status }) => acts[to].from.includes(status))
  const change = useMutation({
    mutationFn: async (to: To) => {
      const ends = await Promise.allSettled(meant(to).map(({ id }) => api.events.change({ event: id, status: to })))
      const refused = ends.flatMap((end) => (end.status === 'rejected' ? [problemOf(end.reason).message] : []))
      return { refused, done: ends.length - refused.length }
    },
    onSuccess: ({ refused, done }, to) => {
      if (done > 0) toast('success', `${done} ${done === 1 ? 'event' : 'events'}: ${to}`)
      if (refused.length > 0) toast('error', `${refused.length} refused`, refused[0])
      else onClear()
    },
    onSettled: renew,
  })
  return (
    <div
      role="toolbar"
      aria-label="Chosen events"
      className="sticky bottom-3 z-20 mx-auto flex max-w-full flex-wrap items-center gap-x-2 gap-y-1.5 rounded-lg border border-line bg-surface p-2 shadow-lg sm:px-3"
    >
      <span role="status" className="px-1 text-sm font-medium tabular-nums">
        {events.length} chosen
      </span>
      {(Object.keys(acts) as To[]).map((to) => {
        const { Icon, button } = acts[to]
        return (
          <Button key={to} disabled={meant(to).length === 0} busy={change.isPending} onClick={() => setAsking(to)}>
            <Icon aria-hidden className="size-4" /> {button}
          </Button>
        )
      })}
      <IconButton label="Choose none" onClick={onClear}>
        <X aria-hidden className="size-4" />
      </IconButton>
      {asking && (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsking(null)}
          title={`${acts[asking].button} ${meant(asking).length === 1 ? 'one event' : `${meant(asking).length} events`}?`}
          action={acts[asking].button}
          refuse="Cancel"
          danger={asking !== 'active'}
          onConfirm={() => change.mutateAsync(asking)}
        >
          {acts[asking].meaning}
          {meant(asking).length < events.length && ' The others are so already.'}
        </Confirm>
      )}
    </div>
  )
}
