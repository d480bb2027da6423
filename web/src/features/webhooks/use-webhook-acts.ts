import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from '../../components/toasts.ts'
import { api, type Webhook } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'

/** What can be done with a webhook; each tells what came of it. */
export function useWebhookActs() {
  const client = useQueryClient()
  const onSettled = () => {
    void client.invalidateQueries({ queryKey: ['webhooks'] })
    void client.invalidateQueries({ queryKey: ['events'] })
  }
  const change = useMutation({
    mutationFn: ({ webhook, enabled }: { webhook: Webhook; enabled: boolean }) =>
      api.webhooks.change({ event: webhook.event.id, name: webhook.name, enabled }),
    onSuccess: ({ name, enabled }) => toast('success', `Webhook ${name} is ${enabled ? 'on' : 'off'}`),
    onError: (error) => toast('error', problemOf(error).message),
    onSettled,
  })
  const setRate = useMutation({
    mutationFn: ({ webhook, perMinute }: { webhook: Webhook; perMinute: number }) =>
      api.webhooks.change({ event: webhook.event.id, name: webhook.name, per_minute: perMinute }),
    onSuccess: ({ name, per_minute: rate }) => toast('success', `${name} takes ${rate} a minute`),
    onSettled,
  })
  const rotate = useMutation({
    mutationFn: ({ event, name }: Webhook) => api.webhooks.rotate({ event: event.id, name }),
    onSettled,
  })
  const remove = useMutation({
    mutationFn: ({ event, name }: Webhook) => api.webhooks.delete({ event: event.id, name }),
    onSuccess: (_, { name }) => toast('success', `Webhook ${name} is deleted`),
    onSettled,
  })
  return { change, setRate, rotate, remove }
}
