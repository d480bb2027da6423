/** What may be done about variables and secrets, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import { rotateKey, showSealingKeys } from './key-rotation.ts'
import * as variables from './variables.ts'

export function variableOperations(deps: Deps) {
  return {
    listVariables: (ask: Ask, input: variables.ListVariablesInput) => variables.listVariablesFor(deps, ask, input),
    getVariable: (ask: Ask, key: variables.VariableKey) => variables.getVariable(deps, ask, key),
    putVariable: (ask: Ask, input: variables.PutVariableInput) => variables.putVariable(deps, ask, input),
    sealingKeys: (ask: Ask) => showSealingKeys(deps, ask),
    rotateKey: (ask: Ask) => rotateKey(deps, ask),
    deleteVariable: (ask: Ask, key: variables.VariableKey) => variables.deleteVariableBy(deps, ask, key),
  }
}
