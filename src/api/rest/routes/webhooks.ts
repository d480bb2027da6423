import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const webhookRoutes = (os: Implementer, on: Operations) => ({
  list: os.webhooks.list.handler(({ input, context }) => on.webhooksOf(context.ask, input.event)),
  all: os.webhooks.all.handler(({ context }) => on.allWebhooks(context.ask)),
  create: os.webhooks.create.handler(({ input, context }) => on.createWebhook(context.ask, input)),
  change: os.webhooks.change.handler(({ input, context }) => on.changeWebhook(context.ask, input)),
  rotate: os.webhooks.rotate.handler(({ input, context }) => on.rotateWebhook(context.ask, input)),
  delete: os.webhooks.delete.handler(({ input, context }) => on.deleteWebhook(context.ask, input)),
  deliveries: os.webhooks.deliveries.handler(({ input, context }) => on.webhookDeliveries(context.ask, input)),
})
