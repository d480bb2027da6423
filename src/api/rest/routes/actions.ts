import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const toolRoutes = (os: Implementer, on: Operations) => ({
  list: os.tools.list.handler(({ context }) => on.listTools(context.ask)),
})

export const messageTemplateRoutes = (os: Implementer, on: Operations) => ({
  list: os.messageTemplates.list.handler(({ context }) => on.listMessageTemplates(context.ask)),
  get: os.messageTemplates.get.handler(({ input, context }) => on.getMessageTemplate(context.ask, input.name)),
  put: os.messageTemplates.put.handler(({ input, context }) => on.putMessageTemplate(context.ask, input)),
  delete: os.messageTemplates.delete.handler(({ input, context }) => on.deleteMessageTemplate(context.ask, input.name)),
  preview: os.messageTemplates.preview.handler(({ input, context }) => on.previewMessageTemplate(context.ask, input)),
})

export const conditionRoutes = (os: Implementer, on: Operations) => ({
  try: os.conditions.try.handler(({ input, context }) => on.tryCondition(context.ask, input)),
})
