import type { Operations } from '../../../operations/index.ts'
import type { Implementer } from '../implementer.ts'

export const sealingKeyRoutes = (os: Implementer, on: Operations) => ({
  list: os.sealingKeys.list.handler(({ context }) => on.sealingKeys(context.ask)),
  rotate: os.sealingKeys.rotate.handler(({ context }) => on.rotateKey(context.ask)),
})

export const variableRoutes = (os: Implementer, on: Operations) => ({
  list: os.variables.list.handler(({ input, context }) => on.listVariables(context.ask, input)),
  get: os.variables.get.handler(({ input, context }) => on.getVariable(context.ask, input)),
  put: os.variables.put.handler(({ input, context }) => on.putVariable(context.ask, input)),
  delete: os.variables.delete.handler(({ input, context }) => on.deleteVariable(context.ask, input)),
})
