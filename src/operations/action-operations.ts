/** Tools, message templates and expressions to try out, bound to one server's dependencies. */
import type { Names } from '../expressions/names.ts'
import type { Json } from '../lib/json.ts'
import type { PutTemplate } from '../reactions/message-templates.ts'
import type { Ask, Deps } from './deps.ts'
import * as templates from './message-templates.ts'
import { listTools } from './tools.ts'

export function actionOperations(deps: Deps) {
  return {
    listTools: (ask: Ask) => listTools(ask),
    listMessageTemplates: (ask: Ask) => templates.listMessageTemplates(deps, ask),
    getMessageTemplate: (ask: Ask, name: string) => templates.getMessageTemplate(deps, ask, name),
    putMessageTemplate: (ask: Ask, input: PutTemplate) => templates.putMessageTemplate(deps, ask, input),
    deleteMessageTemplate: (ask: Ask, name: string) => templates.deleteMessageTemplate(deps, ask, name),
    previewMessageTemplate: (ask: Ask, input: { input: Record<string, Json>; names: Names }) =>
      templates.previewMessageTemplate(deps, ask, input),
    tryCondition: (ask: Ask, input: { condition: string; names: Names }) => templates.tryCondition(deps, ask, input),
  }
}
