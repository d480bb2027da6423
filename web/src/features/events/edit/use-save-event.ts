import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from '../../../components/toasts.ts'
import { api, type EventDetail, type EventStatus } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { sameDefinition, type Draft } from './draft.ts'

interface Saving {
  draft: Draft
  note?: string
  status?: EventStatus
  /** The event as it is there now; null makes it. */
  event: EventDetail | null
  /** What the draft was made of. */
  saved: Draft
}

/** Makes the event, or changes what is different; a version that is not the newest any more is not written over. */
export function useSaveEvent(done: (event: EventDetail, draft: Draft) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ draft, note, status, event, saved }: Saving) => {
      const { tags, shared, definition } = draft
      const name = draft.name.trim()
      if (!event) return api.events.create({ name, tags, shared, definition, status })
      return api.events.change({
        event: event.id,
        ...(name === event.name ? {} : { name }),
        tags,
        shared,
        status,
        ...(sameDefinition(draft, saved) ? {} : { definition, note, expect_version: event.version }),
      })
    },
    onSuccess: (now, { event, draft }) => {
      const made = !event || now.version !== event.version
      toast('success', event ? (made ? `Saved as version ${now.version}` : 'Saved') : `${now.name} is made`)
      client.setQueryData(['events', 'one', now.id], now)
      void client.invalidateQueries({ queryKey: ['events'] })
      void client.invalidateQueries({ queryKey: ['schedules'] })
      done(now, draft)
    },
  })
}

/** Another version has come into force since. */
export const isConflict = (error: unknown): boolean => {
  const { status, fields } = problemOf(error)
  return status === 409 || status === 412 || fields.some(({ field }) => field === 'expect_version')
}
