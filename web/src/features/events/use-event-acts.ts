import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { toast } from '../../components/toasts.ts'
import { api, type EventStatus, type EventSummary } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { statusLabels } from './words.ts'

type Named = Pick<EventSummary, 'id' | 'name'>

/** What can be done with one event from a list and from its page; each tells what came of it. */
export function useEventActs() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const renew = () => {
    void client.invalidateQueries({ queryKey: ['events'] })
    void client.invalidateQueries({ queryKey: ['event-runs'] })
  }
  const refused = (error: unknown) => {
    const { message, retryAfterSeconds } = problemOf(error)
    toast('error', message, retryAfterSeconds === undefined ? undefined : `Again in ${retryAfterSeconds} s.`)
  }
  const setStatus = useMutation({
    mutationFn: ({ event, status }: { event: Named; status: EventStatus }) =>
      api.events.change({ event: event.id, status }),
    onSuccess: ({ name, status }) => toast('success', `${name}: ${statusLabels[status].toLowerCase()}`),
    onError: refused,
    onSettled: renew,
  })
  const clone = useMutation({
    mutationFn: (event: Named) => api.events.clone({ event: event.id }),
    onSuccess: (made) => {
      toast('success', `${made.name} is a draft of yours`)
      void navigate({ to: '/events/$event/edit', params: { event: made.id } })
    },
    onError: refused,
    onSettled: renew,
  })
  const remove = useMutation({
    mutationFn: (event: Named) => api.events.delete({ event: event.id }),
    onSuccess: (_, { name }) => {
      toast('success', `${name} is deleted`)
      void navigate({ to: '/events' })
    },
    onSettled: renew,
  })
  return { setStatus, clone, remove, renew }
}
