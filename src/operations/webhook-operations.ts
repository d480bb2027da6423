/** What may be done about webhooks of events, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import { takeDelivery, type IncomingDelivery } from './webhook-door.ts'
import * as webhooks from './webhooks.ts'

type DeliveriesInput = webhooks.WebhookKey & { limit: number; before?: string | undefined }

export function webhookOperations(deps: Deps) {
  return {
    webhooksOf: (ask: Ask, event: string) => webhooks.webhooksOf(deps, ask, event),
    allWebhooks: (ask: Ask) => webhooks.allWebhooks(deps, ask),
    createWebhook: (ask: Ask, input: webhooks.CreateWebhookInput) => webhooks.createWebhook(deps, ask, input),
    changeWebhook: (ask: Ask, input: webhooks.ChangeWebhookInput) => webhooks.changeWebhookBy(deps, ask, input),
    rotateWebhook: (ask: Ask, input: webhooks.WebhookKey & { keep_old_hours: number }) =>
      webhooks.rotateWebhookBy(deps, ask, input),
    deleteWebhook: (ask: Ask, key: webhooks.WebhookKey) => webhooks.deleteWebhook(deps, ask, key),
    webhookDeliveries: (ask: Ask, input: DeliveriesInput) => webhooks.webhookDeliveries(deps, ask, input),
    takeDelivery: (ask: Ask, incoming: IncomingDelivery) => takeDelivery(deps, ask, incoming),
  }
}
